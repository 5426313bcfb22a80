//! The crash matrix: whatever a job does to its worker, and at whatever moment,
//! has one exact outcome, and no other job is harmed.
//!
//! An argument is decoded, a function run and a result encoded in the worker. The
//! argument is encoded and the result decoded in the program itself, by the
//! pool's threads, where the user's code can do what it likes to its own program,
//! as any function of it can: an exit ends the program, with that exit, and an
//! endless loop cannot be stopped. So these cells are played by a program that is
//! looked at from outside: it ends as it should and leaves no worker. And a loop
//! there holds up one worker, whose turn it is, and nobody else.

mod common;
mod crash;

use common::role::{Program, role, say};
use common::{eventually, finish, is_alive, pool};
use crash::{
    Argument, Crash, DecodeArgument, DecodeResult, EncodeArgument, LET_GO, Outcome, PLACES, Place,
    job,
};
use executor_core::conformance::{Gate, pass};
use executor_core::{
    CancelOutcome, DeathCause, ExecutorExt as _, TaskError, TaskErrorKind as Kind, WorkerExit,
};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pool_process::test_worker!();

/// What is to be seen.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Error(Kind),
    Lost(WorkerExit, DeathCause),
    /// The program itself ends.
    End(WorkerExit),
    /// The program's own thread does not come back until it is let go.
    Held,
}

const fn lost(exit: WorkerExit, cause: DeathCause) -> [Seen; 5] {
    let (there, here) = (Seen::Lost(exit, cause), Seen::End(exit));
    [here, there, there, there, here]
}

const fn error(kinds: [Kind; 5]) -> [Seen; 5] {
    let [a, b, c, d, e] = kinds;
    [
        Seen::Error(a),
        Seen::Error(b),
        Seen::Error(c),
        Seen::Error(d),
        Seen::Error(e),
    ]
}

/// One row for each way to crash, one column for each place.
#[rustfmt::skip]
const MATRIX: [(Crash, [Seen; 5]); 9] = [
    (Crash::Error,    error([Kind::Encode, Kind::Decode, Kind::Failed, Kind::Encode, Kind::Decode])),
    (Crash::Panic,    error([Kind::Encode, Kind::Panicked, Kind::Panicked, Kind::Panicked, Kind::Decode])),
    (Crash::Exit0,    lost(WorkerExit::Code(0), DeathCause::Exit)),
    (Crash::Exit42,   lost(WorkerExit::Code(42), DeathCause::Exit)),
    (Crash::Abort,    lost(WorkerExit::Signal(libc::SIGABRT), DeathCause::Abort)),
    (Crash::Segfault, lost(WorkerExit::Signal(libc::SIGSEGV), DeathCause::MemoryFault)),
    (Crash::Overflow, lost(WorkerExit::Signal(libc::SIGABRT), DeathCause::StackOverflow)),
    (Crash::Kill,     lost(WorkerExit::Signal(libc::SIGKILL), DeathCause::Killed)),
    (Crash::Loop,     [Seen::Held, Seen::Error(Kind::TimedOut), Seen::Error(Kind::TimedOut), Seen::Error(Kind::TimedOut), Seen::Held]),
];

/// The limit of the job that loops, and no other.
const LIMIT: Duration = Duration::from_millis(100);

/// Whether an error is what the matrix says.
fn check(cell: (Place, Crash), seen: Seen, error: &TaskError) {
    let message = error.to_string();
    let said = format!("{cell:?}: {message}");
    assert_eq!(error.task_name(), Some("doomed"), "{said}");
    match seen {
        Seen::Error(kind) => {
            assert_eq!(error.kind(), kind, "{said}");
            let text = match (kind, cell.1) {
                (Kind::Encode | Kind::Decode, Crash::Error) => "refused by its own serde",
                (Kind::TimedOut, _) => "its limit of 100ms passed; its worker, process ",
                (_, Crash::Panic) => "it panicked",
                _ => "it returned an error",
            };
            assert!(message.contains(text), "{said}");
            if matches!(kind, Kind::Encode | Kind::Decode) {
                let subject = match cell.0 {
                    EncodeArgument | DecodeArgument => {
                        "argument of type `crash_matrix::crash::Argument`"
                    }
                    _ => "result of type `core::result::Result<crash_matrix::crash::Outcome",
                };
                assert!(message.contains(subject), "{said}");
            }
            if let Some(report) = error.panic_report() {
                assert!(report.location().is_some(), "{said}");
            }
        }
        Seen::Lost(exit, cause) => {
            let lost = error.lost_worker().expect(&said);
            let facts = (lost.exit(), lost.cause(), lost.had_started());
            assert_eq!(facts, (exit, cause, true), "{said}");
            assert_eq!((lost.attempt(), lost.is_quarantined()), (1, false));
            assert!(message.contains(&exit.to_string()), "{said}");
        }
        Seen::End(_) | Seen::Held => unreachable!("{said}"),
    }
}

/// Plays every cell whose damage is done in the worker or caught in the program,
/// with others before, behind and, if there are more workers, beside it.
fn play(workers: usize) {
    let pool = pool(workers);
    let mut gate = Gate::new();
    let beside: Vec<_> = (1..workers as u64)
        .map(|n| pool.submit(pass, gate.ticket(n)))
        .collect();
    for _ in &beside {
        gate.arrival();
    }
    for (how, row) in MATRIX {
        for (place, seen) in PLACES.into_iter().zip(row) {
            if matches!(seen, Seen::End(_) | Seen::Held) {
                continue;
            }
            let harmless = |_| pool.submit(job, Argument(None));
            let before: Vec<_> = (0..10).map(harmless).collect();
            let plan = Some((place, how));
            let mut doomed = pool.task(job, Argument(plan)).name("doomed");
            if how == Crash::Loop {
                doomed = doomed.timeout(LIMIT);
            }
            let doomed = doomed.submit().flatten();
            let behind: Vec<_> = (0..10).map(harmless).collect();
            let error = finish(doomed).expect_err("it is doomed");
            check((place, how), seen, &error);
            for task in before.into_iter().chain(behind) {
                assert_eq!(finish(task).unwrap(), Ok(Outcome(None)), "{plan:?}");
            }
        }
    }
    gate.open();
    for (n, task) in (1..).zip(beside) {
        assert_eq!(finish(task).unwrap(), n);
    }
}

#[test]
fn every_crash_has_its_exact_outcome_on_one_worker() {
    init_test_worker();
    play(1);
}

#[test]
fn every_crash_has_its_exact_outcome_beside_busy_workers() {
    init_test_worker();
    play(3);
}

/// Plays the role: a program that is crashed by what it submits.
#[test]
fn program() {
    let Some(role) = role() else { return };
    init_test_worker();
    // SAFETY: a plain system call; a core dump of this program is of no use.
    unsafe {
        libc::setrlimit(
            libc::RLIMIT_CORE,
            &libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            },
        )
    };
    let (place, how) = role.split_once(' ').expect("a place and a crash");
    let find = |place: &str| PLACES.into_iter().find(|p| format!("{p:?}") == place);
    let place = find(place).expect("a place");
    let mut rows = MATRIX.into_iter().map(|(how, _)| how);
    let how = rows.find(|h| format!("{h:?}") == how).expect("a crash");
    let pool = pool(2);
    finish(pool.warm_up()).expect("they start");
    let pids: Vec<_> = pool.worker_pids().iter().map(u32::to_string).collect();
    say(pids.join(" "));
    let outcome = finish(pool.submit(job, Argument(Some((place, how)))));
    say(format_args!("it lives: {outcome:?}"));
}

/// The user's code may end its own program. Then that is what happens, at once,
/// and no worker stays behind.
#[test]
fn a_crash_in_the_program_itself_ends_it_and_its_workers() {
    let cells = MATRIX.into_iter().flat_map(|(how, row)| {
        let cell = move |(place, seen)| match seen {
            Seen::End(exit) => Some((place, how, exit)),
            _ => None,
        };
        PLACES.into_iter().zip(row).filter_map(cell)
    });
    let mut played = 0;
    for (place, how, exit) in cells {
        let mut program = Program::start("program", &format!("{place:?} {how:?}"), |_| {});
        let workers = program.pids();
        assert_eq!(workers.len(), 2);
        let (said, status) = program.end();
        let ended = match (status.code(), status.signal()) {
            (Some(code), _) => WorkerExit::Code(code),
            (None, signal) => WorkerExit::Signal(signal.unwrap_or(0)),
        };
        assert_eq!((ended, said), (exit, vec![]), "{place:?} {how:?}");
        eventually("its workers are gone", || {
            !workers.iter().any(|&pid| is_alive(pid))
        });
        played += 1;
    }
    assert_eq!(played, 12);
}

/// Nothing can stop a thread of the program. Where it loops, it holds up the job at hand,
/// whose owner is told the truth; others go on beside it.
#[test]
fn a_loop_in_the_program_itself_holds_up_one_job() {
    init_test_worker();
    let _ends = LetGo;
    for place in [EncodeArgument, DecodeResult] {
        LET_GO.store(false, Ordering::Relaxed);
        let pool = pool(2);
        finish(pool.warm_up()).unwrap();
        let plan = Some((place, Crash::Loop));
        // The loop may be in this very call.
        let (tell, told) = std::sync::mpsc::channel();
        let its = pool.clone();
        let submits = std::thread::spawn(move || {
            let task = its.task(job, Argument(plan)).timeout(LIMIT).submit();
            tell.send(task).unwrap();
        });
        let since = Instant::now();
        while since.elapsed() < 2 * LIMIT {
            let other = finish(pool.submit(job, Argument(None)));
            assert_eq!(other.unwrap(), Ok(Outcome(None)));
        }
        // No time limit: that is for the function, which has not begun, or is over.
        if place == DecodeResult {
            let held = told.recv().unwrap();
            assert!(!held.is_done());
            assert_eq!(held.cancel(), CancelOutcome::TooLate);
            LET_GO.store(true, Ordering::Relaxed);
            assert_eq!(finish(held).unwrap(), Ok(Outcome(plan)));
        } else {
            assert!(told.try_recv().is_err(), "it is still being encoded");
            LET_GO.store(true, Ordering::Relaxed);
            let held = told.recv_timeout(common::LONG).unwrap();
            assert_eq!(finish(held).unwrap(), Ok(Outcome(plan)));
        }
        submits.join().unwrap();
    }
}

/// Lets the loops go also when a test fails.
struct LetGo;

impl Drop for LetGo {
    fn drop(&mut self) {
        LET_GO.store(true, Ordering::Relaxed);
    }
}
