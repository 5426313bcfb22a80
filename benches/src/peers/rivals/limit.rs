//! What no pool can do better than: the hand-off, the copy and the start of a
//! process by themselves.

use super::partner::Partner;
use crate::peers::page::{Page, Word};
use crate::peers::{Fault, role};
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

/// The name, in a copy's role, of who answers on a shared page.
pub(crate) const FUTEX: &str = "futex";

/// The name, in a copy's role, of who does nothing.
pub(crate) const NOTHING: &str = "nothing";

/// Two processes that wake each other through a shared page, and do nothing else.
pub(crate) struct PingPong {
    page: Page,
    /// Ends with its standard input.
    _partner: Partner,
    count: u32,
}

impl PingPong {
    pub(crate) fn start() -> Result<Self, Fault> {
        let page = Page::create()?;
        let path = page.path().ok_or("a new page has no path")?;
        let mut partner = Partner::start(&[FUTEX, &path])?;
        partner.line()?;
        let count = 0;
        let _partner = partner;
        Ok(Self {
            page,
            _partner,
            count,
        })
    }

    /// Wakes the other, and waits until it has answered.
    pub(crate) fn round_trip(&mut self) -> Result<(), Fault> {
        self.count = self.count.wrapping_add(1);
        self.page.set(Word::Ping, self.count)?;
        self.page.wait_for(Word::Pong, self.count)
    }
}

/// The other side of it: it answers until its standard input ends.
pub(crate) fn answer(path: &str) -> Result<(), Fault> {
    let page = Page::open(path)?;
    std::thread::spawn(|| {
        role::wait_for_the_end();
        std::process::exit(0);
    });
    println!("ready");
    for count in 1.. {
        page.wait_for(Word::Ping, count)?;
        page.set(Word::Pong, count)?;
    }
    Ok(())
}

/// How long it takes to copy `bytes` so many times, each time to a place that was
/// written before.
pub(crate) fn copies(bytes: &[u8], times: usize) -> Result<Duration, Fault> {
    let mut places = vec![vec![1_u8; bytes.len()]; 2];
    let start = Instant::now();
    for turn in 0..times {
        places[turn % 2].copy_from_slice(black_box(bytes));
        black_box(&mut places);
    }
    let elapsed = start.elapsed();
    if times > 0 && places[0] != bytes {
        return Err("the copy differs".into());
    }
    Ok(elapsed)
}

/// Starts a copy of this program that does nothing, and waits until it has ended.
pub(crate) fn start_and_end() -> Result<(), Fault> {
    let mut command = Command::new("/proc/self/exe");
    let status = command.args([role::ROLE, NOTHING]).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("it ended with {status}").into())
    }
}
