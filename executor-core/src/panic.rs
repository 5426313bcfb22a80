//! Catching a panic with its message *and* its location.
//!
//! `catch_unwind` yields only the payload; the location is known to the panic
//! hook alone. So the first catch installs a hook in front of the one at hand:
//! on a thread that is inside [`catch`] it writes down message and location,
//! and then always calls the former hook, so a program's own reporting stays as
//! it was. Where a program replaces the hook later, reports lack the location
//! and are otherwise whole.

use crate::say;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// What is known of a panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicReport {
    message: String,
    location: Option<String>,
}

impl PanicReport {
    /// A report with this message, from `file:line:column` if that is known.
    pub fn new(message: impl Into<String>, location: Option<String>) -> Self {
        let message = message.into();
        Self { message, location }
    }

    /// The report on the panic that a panic hook is being told of.
    pub fn from_hook(info: &PanicHookInfo<'_>) -> Self {
        Self::new(
            payload_message(info.payload()),
            info.location().map(ToString::to_string),
        )
    }

    /// The panic's message, or a note if its payload is not text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it happened, as `file:line:column`.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "panicked at {location}: {}", self.message),
            None => write!(f, "panicked: {}", self.message),
        }
    }
}

fn payload_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "(a panic payload that is not text)".to_owned()
    }
}

thread_local! {
    /// How many calls of `catch` this thread is inside of.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The panics seen there and not yet asked for, and inside of how many calls that was.
    static SEEN: RefCell<Vec<(usize, PanicReport)>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f`; a panic in it comes back as a report.
///
/// What `f` returns is moved several times: where each nanosecond counts, it leaves its
/// result in a variable outside and returns nothing.
///
/// # Errors
/// The report on the panic.
#[inline]
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, PanicReport> {
    install_hook();
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(f));
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    match outcome {
        Ok(value) => Ok(value),
        Err(payload) => Err(report_on(payload)),
    }
}

#[cold]
fn report_on(payload: Box<dyn Any + Send>) -> PanicReport {
    let message = payload_message(&*payload);
    // The hook is not told of `resume_unwind`: what it saw last may be some
    // other panic, which the function had caught itself.
    let location = location_of(&message);
    let report = PanicReport::new(message, location);
    discard(payload);
    report
}

/// Runs code that is not ours and gives nothing back, such as a waker: a panic of it ends
/// here, and is told through `tracing` with `what` happened.
#[inline]
pub fn contain(what: &'static str, f: impl FnOnce()) {
    if let Err(report) = catch(f) {
        tell_of(what, &report);
    }
}

#[cold]
fn tell_of(what: &'static str, report: &PanicReport) {
    say!(error, %report, "{what}");
}

/// Runs `f`, which calls the program's `tracing` subscriber; `None` if that panics. There is
/// nobody to be told of it then.
#[inline]
pub fn call_subscriber<R>(f: impl FnOnce() -> R) -> Option<R> {
    // Its payload's own Drop may panic as well; it is not given the chance.
    std::panic::catch_unwind(AssertUnwindSafe(f))
        .map_err(std::mem::forget)
        .ok()
}

/// Tells the program's `tracing` subscriber something: `say!(error, %report, "a waker
/// panicked")` is `tracing::error!(%report, "a waker panicked")`, and a panic of the
/// subscriber ends there. Wherever tasks are resolved, nothing else will do: whoever is told
/// of one task's failure must not be the failure of others.
#[macro_export]
macro_rules! say {
    (error, $($what:tt)+) => { $crate::say!(@ ERROR, $($what)+) };
    (warn, $($what:tt)+) => { $crate::say!(@ WARN, $($what)+) };
    (debug, $($what:tt)+) => { $crate::say!(@ DEBUG, $($what)+) };
    (@ $level:ident, $($what:tt)+) => {{
        let say = || ::tracing::event!(::tracing::Level::$level, $($what)+);
        let _ = $crate::panic::call_subscriber(say);
    }};
}

/// Where the panic with this message was, which is caught at the present depth. Of those
/// that were seen further inside nobody will ask any more.
fn location_of(message: &str) -> Option<String> {
    let depth = DEPTH.get();
    // Not at the end of a thread, when it is gone already.
    let seen = SEEN.try_with(|seen| {
        let mut seen = seen.borrow_mut();
        let (outside, inside) = std::mem::take(&mut *seen)
            .into_iter()
            .partition(|(its, _)| *its <= depth);
        *seen = outside;
        inside
    });
    let mut seen: Vec<(usize, PanicReport)> = seen.ok()?;
    seen.retain(|(its, report)| *its == depth + 1 && report.message == message);
    seen.pop()?.1.location
}

/// Drops `value`; a panic of its `Drop` is reported through `tracing` and
/// otherwise harms nobody.
#[inline]
pub fn discard<T>(value: T) {
    if !std::mem::needs_drop::<T>() {
        return;
    }
    if let Err(payload) = std::panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
        report_drop(payload, std::any::type_name::<T>());
    }
}

#[cold]
fn report_drop(payload: Box<dyn Any + Send>, r#type: &str) {
    say!(
        error,
        message = payload_message(&*payload),
        r#type,
        "a value panicked while it was dropped"
    );
    // The payload's own Drop may panic as well; it is not given the chance.
    std::mem::forget(payload);
}

/// So many panics are kept for each depth: those that a function catches itself are asked
/// for by nobody.
const KEPT: usize = 4;

fn note(seen: &mut Vec<(usize, PanicReport)>, depth: usize, report: PanicReport) {
    let of_this = (0..seen.len()).filter(|place| seen[*place].0 == depth);
    let of_this: Vec<_> = of_this.collect();
    if of_this.len() >= KEPT {
        // The first stays: it may be the one that unwinds, and the others were caught
        // meanwhile.
        seen.remove(of_this[1]);
    }
    seen.push((depth, report));
}

static HOOKED: Once = Once::new();

#[inline]
fn install_hook() {
    if !HOOKED.is_completed() && !std::thread::panicking() {
        install_hook_once();
    }
}

#[cold]
fn install_hook_once() {
    HOOKED.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Neither slot may be reached for while the thread is torn down.
            let depth = DEPTH.try_with(Cell::get).unwrap_or(0);
            if depth > 0 {
                let report = PanicReport::from_hook(info);
                let _ = SEEN.try_with(|seen| note(&mut seen.borrow_mut(), depth, report));
            }
            former(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_location_are_reported() {
        let report = catch(|| -> () { panic!("number {}", 7) }).unwrap_err();
        assert_eq!(report.message(), "number 7");
        assert!(report.location().unwrap().contains("panic.rs:"));
        assert!(report.to_string().starts_with("panicked at "));
    }

    #[test]
    fn a_payload_that_is_not_text_is_said_to_be_so() {
        let report = catch(|| std::panic::panic_any(7_u8)).unwrap_err();
        assert!(report.message().contains("not text"));
    }

    #[test]
    fn a_panic_caught_inside_does_not_leak_into_the_next_report() {
        let outer = catch(|| {
            let _ = catch(|| panic!("inner"));
            panic!("outer");
        });
        assert_eq!(outer.unwrap_err().message(), "outer");
        assert!(catch(|| 1).is_ok());
    }

    #[test]
    fn a_panic_that_was_caught_by_the_function_is_not_blamed_for_a_later_one() {
        let report = catch(|| {
            let _ = std::panic::catch_unwind(|| panic!("caught"));
            std::panic::resume_unwind(Box::new("resumed"));
        });
        assert_eq!(report, Err::<(), _>(PanicReport::new("resumed", None)));
    }

    #[test]
    fn a_panic_knows_its_place_though_another_is_caught_while_it_unwinds() {
        struct Catches(fn());
        impl Drop for Catches {
            fn drop(&mut self) {
                (self.0)();
            }
        }
        let ours = || assert!(catch(|| panic!("inner")).is_err());
        let theirs = || {
            for _ in 0..10 {
                assert!(std::panic::catch_unwind(|| panic!("inner")).is_err());
            }
        };
        for catches in [ours as fn(), theirs] {
            let report = catch(|| {
                let _catches = Catches(catches);
                panic!("outer");
            });
            let report = report.unwrap_err();
            assert_eq!(report.message(), "outer");
            assert!(report.location().unwrap().contains("panic.rs:"));
        }
    }

    #[test]
    fn panics_that_a_function_catches_itself_are_not_kept_for_ever() {
        let report = catch(|| {
            for _ in 0..1000 {
                let _ = std::panic::catch_unwind(|| panic!("caught"));
            }
            assert!(SEEN.with(|seen| seen.borrow().len()) <= KEPT);
            panic!("outer");
        });
        assert!(report.unwrap_err().location().is_some());
        assert!(SEEN.with(|seen| seen.borrow().is_empty()));
    }

    #[test]
    fn a_panicking_drop_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bang");
            }
        }
        discard(Bomb);
    }
}
