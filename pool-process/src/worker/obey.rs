//! Carrying out a worker's orders.

use crate::image;
use crate::orders::{Initializer, Orders};
use crate::transport::Transport;
use executor_core::panic::catch;
use executor_core::{codec, spare};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::CpuSet;

/// Carries out the first message, and says where jobs come from; the error says
/// what could not be done.
pub(super) fn obey(orders: &[u8], prepare: impl FnOnce(Transport)) -> Result<Transport, String> {
    let orders: Orders = codec::decode(orders)?;
    prepare(orders.transport);
    if !orders.core_dumps {
        limit(Resource::Core, 0).map_err(|error| format!("core dumps: {error}"))?;
    }
    if let Some(adjustment) = orders.oom_score_adj {
        // Raising it is always allowed; where it is not shown, it is not needed.
        let _ = std::fs::write("/proc/self/oom_score_adj", adjustment.to_string());
    }
    if let Some(more) = orders.nice {
        rustix::process::nice(more).map_err(|error| format!("nice({more}): {error}"))?;
    }
    if let Some(number) = orders.processor {
        pin(number).map_err(|error| format!("pinning to a processor: {error}"))?;
    }
    if let Some(bytes) = orders.memory_limit {
        limit(Resource::As, bytes).map_err(|error| format!("memory limit: {error}"))?;
    }
    if !orders.keeps_memory {
        spare::keep_none();
    }
    orders.initializer.map_or(Ok(()), initialize)?;
    Ok(orders.transport)
}

fn limit(resource: Resource, value: u64) -> rustix::io::Result<()> {
    let value = Some(value);
    let limit = Rlimit {
        current: value,
        maximum: value,
    };
    setrlimit(resource, limit)
}

/// Stays on one of the processors that this process may use. The number is the lowest
/// that no other worker has, so while there are enough, no two share one.
fn pin(number: usize) -> rustix::io::Result<()> {
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let processors: Vec<_> = (0..CpuSet::MAX_CPU)
        .filter(|&cpu| allowed.is_set(cpu))
        .collect();
    let mut one = CpuSet::new();
    // There always is one.
    let processor = processors.get(number % processors.len().max(1));
    one.set(*processor.unwrap_or(&0));
    rustix::thread::sched_setaffinity(None, &one)
}

fn initialize(mut initializer: Initializer) -> Result<(), String> {
    // SAFETY: the parent runs the same image, which the handshake has checked,
    // and took the offset from an entry of its own.
    let entry = unsafe { image::entry_at(initializer.offset) };
    let entry = entry.ok_or("the initializer is not in this program")?;
    let mut result = Vec::new();
    catch(|| entry.call(&mut initializer.argument, &mut result))
        .map_err(|report| format!("the initializer {report}"))?
        .map_err(|fault| format!("the initializer: {fault:?}"))?;
    let result: Result<(), String> = codec::decode(&result)?;
    result.map_err(|error| format!("the initializer failed: {error}"))
}
