//! What the targets in `fuzz/` call: everything here that reads what a worker
//! wrote. Not part of the crate's interface.

mod flying;

pub use self::flying::flight;

use crate::handshake::{Hello, Invitation};
use crate::image::ImageId;
use crate::reply;
use crate::transport::{Decoder, HEAD, Head, Incoming, Source};
use executor_core::{
    CancelOutcome, Control, Executor, ExecutorExt as _, Job, Shutdown, ShutdownReport, Task, codec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Takes jobs, and runs none.
#[derive(Default)]
struct Collector(Mutex<Vec<Job>>);

impl Collector {
    fn take(&self) -> Option<Job> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.pop()
    }
}

impl Executor for Collector {
    fn execute(&self, job: Job) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.push(job);
    }

    fn shutdown(&self, _: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }

    fn concurrency(&self) -> usize {
        1
    }
}

/// Takes numbers off the front of the input; zeros when it is used up.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    fn word(&mut self) -> u64 {
        let mut eight = [0; 8];
        let bytes = self.bytes(8);
        eight[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(eight)
    }
}

/// A stream in pieces of these lengths, over and over; nothing comes for a while
/// in place of one of length zero.
struct Pieces<'a> {
    stream: &'a [u8],
    lengths: &'a [u8],
    next: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = match self.lengths.len() {
            0 => usize::MAX,
            len => {
                self.next = (self.next + 1) % len;
                usize::from(self.lengths[self.next])
            }
        };
        if most == 0 {
            let errors = [ErrorKind::WouldBlock, ErrorKind::Interrupted];
            return Err(errors[self.next % 2].into());
        }
        let most = most.min(buffer.len());
        self.stream.read(&mut buffer[..most])
    }
}

impl Source for Pieces<'_> {
    fn ready(&self) -> usize {
        self.stream.len()
    }
}

/// Messages are the same however their bytes are cut.
pub fn decoder(data: &[u8]) {
    let mut input = Input(data);
    let longest = 1 << (input.byte() % 20);
    let len = usize::from(input.byte() % 16);
    let lengths = input.bytes(len);
    // All zeros would mean that nothing ever comes.
    let lengths = if lengths.iter().all(|&len| len == 0) {
        &[]
    } else {
        lengths
    };
    let mut expected = input.0;
    let mut pieces = Pieces {
        stream: input.0,
        lengths,
        next: 0,
    };
    let mut decoder = Decoder::new(longest);
    let limit = Duration::from_secs(u64::from(len as u8 % 2) * 3600);
    loop {
        match decoder.read(&mut pieces, limit) {
            Ok(Incoming::Quiet) => {}
            Ok(Incoming::Message(head, body)) => {
                let (first, rest) = expected.split_first_chunk::<HEAD>().expect("a whole head");
                assert_eq!(head, Head::from_bytes(first));
                assert_eq!(head.to_bytes(), *first);
                assert!(head.len <= longest);
                let (bytes, rest) = rest.split_at(head.len as usize);
                assert_eq!(body, bytes);
                expected = rest;
            }
            Ok(Incoming::End) => return assert_eq!(expected, b""),
            Err(_) => {
                let Some((first, rest)) = expected.split_first_chunk::<HEAD>() else {
                    return assert!(!expected.is_empty());
                };
                let len = Head::from_bytes(first).len;
                return assert!(len > longest || len > rest.len() as u64);
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Empty,
    Text(String),
    Many(Vec<Shape>),
    Named {
        map: BTreeMap<String, Option<i16>>,
        float: f32,
        letter: char,
    },
}

struct NoControl;

impl Control for NoControl {
    fn cancel(&self, _: u64) -> CancelOutcome {
        CancelOutcome::TooLate
    }

    fn is_running(&self, _: u64) -> bool {
        true
    }
}

/// A result of any type and kind resolves its job, whatever its bytes are.
pub fn reply(data: &[u8]) {
    let mut input = Input(data);
    let kind = match input.byte() {
        byte @ 0..250 => u32::from(byte % 8),
        _ => input.word() as u32,
    };
    match input.byte() % 8 {
        0 => resolve::<()>(kind, input.0),
        1 => resolve::<u64>(kind, input.0),
        2 => resolve::<String>(kind, input.0),
        3 => resolve::<Vec<u32>>(kind, input.0),
        4 => resolve::<Result<Option<(i8, String)>, String>>(kind, input.0),
        5 => resolve::<Shape>(kind, input.0),
        6 => resolve::<[Box<str>; 3]>(kind, input.0),
        _ => resolve::<(u128, bool, Duration)>(kind, input.0),
    }
}

fn resolve<R: Serialize + DeserializeOwned + Send + 'static>(kind: u32, bytes: &[u8]) {
    let collector = Collector::default();
    let mut task = collector.submit(|()| -> R { unreachable!("it is not run here") }, ());
    let job = collector.take().expect("it was submitted");
    let held = job.hold(Arc::new(NoControl), 0).expect("nobody cancels it");
    let mut wakeups = executor_core::Wakeups::new();
    reply::resolve(held, kind, &mut bytes.to_vec(), &mut wakeups);
    assert!(task.is_done(), "{task:?}");
    if let Err(error) = task.try_result() {
        assert!(!error.to_string().is_empty());
        assert!(error.task_id().is_some());
    }
}

/// What is read as an invitation is written in the same way again.
pub fn invitation(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(invitation) = text.parse::<Invitation>()
    {
        let again = invitation.to_string().parse();
        assert_eq!(again.as_ref(), Ok(&invitation));
    }
}

/// A hello that is made up is refused, or is no hello.
pub fn hello(data: &[u8]) {
    if let Ok(hello) = codec::decode::<Hello>(data) {
        let image = ImageId::of_this_process(false).expect("this is Linux");
        assert!(hello.admit(1, 0x5eed, &image).is_err());
    }
}
