//! Bytes that go to a worker process and come back.

use super::{Plan, process};
use crate::peers::Fault;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::{limit, procspawn, python};
use ::procspawn::serde::{Shmem, with_ipc_mode};
use executor_core::{Bytes, ExecutorExt as _};
use serde_bytes::ByteBuf;
use std::time::Instant;

/// What carries bytes fastest through a pool of ours.
type Payload = Bytes;
const PAYLOAD: &str = "`Bytes`";

/// How often ours copies each byte, there and back: into the shared memory and out
/// of it, and the same again on the way back.
const COPIES: usize = 4;
const LIMIT: &str = "limit: 4 × memcpy";

const MIB: usize = 1024 * 1024;

const ABOUT: &str = "The time from a value in hand to an equal one in hand. The limit is \
                     as many copies in memory as ours makes of each byte.";

pub(super) const MEBIBYTE: Plan = Plan {
    name: "process-echo-1-mib",
    title: "Process pool: an echo of 1 MiB",
    about: ABOUT,
    unit: Unit::Milliseconds,
    once: false,
    start: |scale| start(MIB, scale.pick(20, 5)),
};

pub(super) const LARGE: Plan = Plan {
    name: "process-echo-64-mib",
    title: "Process pool: an echo of 64 MiB",
    about: ABOUT,
    unit: Unit::Milliseconds,
    once: false,
    start: |_: Scale| start(64 * MIB, 1),
};

fn start(size: usize, times: u32) -> Result<Vec<Subject>, Fault> {
    Ok(vec![
        Subject::ours("ours", ours(size, times)?).note(PAYLOAD),
        Subject::rival("procspawn", || theirs(size, times))
            .note("`ByteBuf`")
            .ours_at_most(0.25),
        Subject::rival("procspawn, Shmem", || shared(size, times))
            .note("the worker gives the same memory back, which it may still write")
            .ours_at_most(0.25),
        Subject::rival("Python", || {
            python::sample("process-echo", size as u64, 1e6)
        })
        .note("`bytes`")
        .ours_at_most(0.25),
        Subject::rival(LIMIT, || Ok(memory(size, times)))
            .note("one thread, to memory that was written before")
            .ours_at_most(2.0),
    ])
}

/// Bytes that are not all alike.
fn original(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

fn echo<P>(payload: P) -> P {
    payload
}

fn ours(size: usize, times: u32) -> Result<Sample, Fault> {
    let pool = process::pool()?;
    let call = move |payload| Ok(pool.submit(echo::<Payload>, payload).wait()?);
    Ok(echoed(
        size,
        times,
        |bytes| Payload::from(bytes.to_vec()),
        call,
    ))
}

fn theirs(size: usize, times: u32) -> Result<Sample, Fault> {
    let pool = procspawn::pool()?;
    let call = move |payload| Ok(pool.spawn(payload, echo).join()?);
    Ok(echoed(
        size,
        times,
        |bytes| ByteBuf::from(bytes.to_vec()),
        call,
    ))
}

fn shared(size: usize, times: u32) -> Result<Sample, Fault> {
    let pool = procspawn::pool()?;
    let call = move |bytes: Vec<u8>| {
        let payload = Shmem::from_bytes(&bytes);
        // Without this `Pool::spawn` sends the bytes, and the worker, which expects
        // the memory, ends.
        let job = with_ipc_mode(|| pool.spawn(payload, echo));
        Ok(job.join()?)
    };
    Ok(echoed(size, times, <[u8]>::to_vec, call))
}

fn memory(size: usize, times: u32) -> Sample {
    let original = original(size);
    Box::new(move || {
        let mut elapsed = 0.0;
        for _ in 0..times {
            elapsed += limit::copies(&original, COPIES)?.as_secs_f64();
        }
        Ok(elapsed * 1e3 / f64::from(times))
    })
}

/// A sample of so many echoes. What goes in is made, and what comes out checked,
/// while nobody looks at the clock.
fn echoed<P, R>(
    size: usize,
    times: u32,
    make: impl Fn(&[u8]) -> P + 'static,
    call: impl Fn(P) -> Result<R, Fault> + 'static,
) -> Sample
where
    R: std::ops::Deref<Target: AsRef<[u8]>>,
{
    let original = original(size);
    Box::new(move || {
        let mut elapsed = 0.0;
        for _ in 0..times {
            let payload = make(&original);
            let start = Instant::now();
            let result = call(payload)?;
            elapsed += start.elapsed().as_secs_f64();
            if result.as_ref() != original.as_slice() {
                return Err("the bytes that came back are others".into());
            }
        }
        Ok(elapsed * 1e3 / f64::from(times))
    })
}
