//! Reading what a worker writes, believing none of it.
//!
//! A head is checked before its bytes are read, and memory grows only with what
//! really arrives: a worker that promises an exabyte costs nothing. Nor does one
//! that sends a message byte by byte keep the reader from looking at anything
//! else: it is told that all is quiet when its time has passed.

use super::frame::{HEAD, Head};
use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

/// How much is read at a time, at the least, of a large message.
const STEP: u64 = 64 * 1024;

/// What came.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message: its head and its bytes.
    Message(Head, Vec<u8>),
    /// Nothing, or not all of a message, for as long as the reader waits.
    Quiet,
    /// The end.
    End,
}

/// Where the bytes come from.
pub(crate) trait Source: Read {
    /// How many can be read without waiting for more.
    fn ready(&self) -> usize;
}

impl<S: Source + ?Sized> Source for &mut S {
    fn ready(&self) -> usize {
        (**self).ready()
    }
}

/// A message that is being read; it may come in any number of pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    longest: u64,
    head: [u8; HEAD],
    filled: usize,
    body: Vec<u8>,
    /// Bytes of messages that were read as a whole.
    before: u64,
}

impl Decoder {
    /// A decoder that takes no message with more than `longest` bytes.
    pub(crate) fn new(longest: u64) -> Self {
        Self {
            longest,
            head: [0; HEAD],
            filled: 0,
            body: Vec::new(),
            before: 0,
        }
    }

    /// From here on a message may have so many bytes.
    pub(crate) fn take_up_to(&mut self, longest: u64) {
        self.longest = longest;
    }

    /// True if a message has begun to come, and is not all there.
    pub(crate) fn is_amid(&self) -> bool {
        self.filled > 0
    }

    /// How many bytes have come, in all.
    pub(crate) fn received(&self) -> u64 {
        self.before + (self.filled + self.body.len()) as u64
    }

    /// Reads on to the end of the next message, for not much longer than `limit`
    /// once a part of it has come.
    pub(crate) fn read(&mut self, mut from: impl Source, limit: Duration) -> io::Result<Incoming> {
        // The clock is asked only about messages that come in pieces.
        let mut since = None;
        let mut is_late = || since.get_or_insert_with(Instant::now).elapsed() > limit;
        while self.filled < HEAD {
            match from.read(&mut self.head[self.filled..]) {
                Ok(0) if self.filled == 0 => return Ok(Incoming::End),
                Ok(0) => return Err(malformed("the worker stopped within a head")),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return quiet(error),
            }
            if self.filled < HEAD && is_late() {
                return Ok(Incoming::Quiet);
            }
        }
        let head = Head::from_bytes(&self.head);
        if head.len > self.longest {
            return Err(malformed(
                "the worker announced more than any result may have",
            ));
        }
        while (self.body.len() as u64) < head.len {
            let have = self.body.len() as u64;
            let want = (head.len - have).min(have.max(STEP));
            self.body
                .try_reserve(want as usize)
                .map_err(|_| malformed("there is no memory for a result of that size"))?;
            // No more than is there, or this would wait for the rest.
            let want = want.min(from.ready().max(1) as u64);
            match (&mut from).take(want).read_to_end(&mut self.body) {
                Ok(0) => return Err(malformed("the worker stopped within a message")),
                Ok(_) => {}
                Err(error) => return quiet(error),
            }
            if (self.body.len() as u64) < head.len && is_late() {
                return Ok(Incoming::Quiet);
            }
        }
        self.before = self.received();
        self.filled = 0;
        Ok(Incoming::Message(head, std::mem::take(&mut self.body)))
    }
}

fn quiet(error: io::Error) -> io::Result<Incoming> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Incoming::Quiet),
        _ => Err(error),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Gives out its pieces one at a time, with a pause before each.
    struct Pieces(VecDeque<Vec<u8>>, bool);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let Some(mut piece) = self.0.pop_front() else {
                return Ok(0);
            };
            let len = piece.len().min(buffer.len());
            buffer[..len].copy_from_slice(&piece[..len]);
            piece.drain(..len);
            if !piece.is_empty() {
                self.0.push_front(piece);
            }
            Ok(len)
        }
    }

    impl Source for Pieces {
        fn ready(&self) -> usize {
            self.0.front().map_or(0, Vec::len)
        }
    }

    impl Source for &[u8] {
        fn ready(&self) -> usize {
            self.len()
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    fn message(len: usize) -> Vec<u8> {
        let mut bytes = Head::plain(1, len).to_bytes().to_vec();
        bytes.extend((0..len).map(|n| n as u8));
        bytes
    }

    #[test]
    fn messages_are_whole_however_they_are_cut() {
        let lengths = [0, 1, 300, 200_000];
        let bytes: Vec<u8> = lengths.into_iter().flat_map(message).collect();
        for cut in [1, 7, 24, 25, 4096, bytes.len()] {
            let mut pieces = Pieces(bytes.chunks(cut).map(Vec::from).collect(), false);
            let mut decoder = Decoder::new(1 << 20);
            let mut read = Vec::new();
            loop {
                match decoder.read(&mut pieces, LONG).unwrap() {
                    Incoming::Message(head, body) => {
                        assert_eq!(head.len as usize, body.len());
                        assert!(body.iter().enumerate().all(|(n, &byte)| byte == n as u8));
                        read.push(body.len());
                    }
                    Incoming::Quiet => {}
                    Incoming::End => break,
                }
            }
            assert_eq!(read, lengths, "cut into pieces of {cut}");
        }
    }

    #[test]
    fn what_is_too_long_or_cut_off_is_refused() {
        let read = |bytes: &[u8]| Decoder::new(100).read(bytes, LONG);
        let refused = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(refused(&message(101)).contains("more than any"));
        assert!(refused(&message(100)[..123]).contains("within a message"));
        assert!(refused(&message(100)[..23]).contains("within a head"));
        let head = Head::plain(0, 1 << 45).to_bytes();
        let error = Decoder::new(u64::MAX).read(&head[..], LONG).unwrap_err();
        assert!(error.to_string().contains("within a message"), "{error}");
    }

    /// Each byte comes at once, and there is always one more.
    struct Drip(u64);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            buffer[0] = if self.0 == 8 { 0x20 } else { 0 };
            Ok(1)
        }
    }

    impl Source for Drip {
        fn ready(&self) -> usize {
            1
        }
    }

    #[test]
    fn a_message_that_never_ends_is_no_reason_to_wait_for_ever() {
        let (mut drip, mut decoder) = (Drip(0), Decoder::new(u64::MAX));
        for _ in 0..30 {
            let read = decoder.read(&mut drip, Duration::ZERO).unwrap();
            assert!(matches!(read, Incoming::Quiet));
        }
        assert!(drip.0 > HEAD as u64);
    }
}
