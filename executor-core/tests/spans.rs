//! The span of the submitter follows its jobs.

use executor_core::context::Surroundings;
use executor_core::{ExecutorExt as _, Inline, Job, JobOptions};
use std::io;
use std::sync::{Arc, Mutex};
use tracing::{Dispatch, dispatcher, info_span};

/// What a subscriber writes, a line an event.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<u8>>>);

impl Book {
    fn subscriber(&self) -> Dispatch {
        let book = self.clone();
        let writer = move || book.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(writer)
            .with_ansi(false);
        subscriber.without_time().with_target(false).finish().into()
    }

    fn lines(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Book {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn speak(what: String) {
    tracing::info!("{what}");
}

#[test]
fn a_job_runs_in_the_span_of_its_submission() {
    let book = Book::default();
    let subscriber = book.subscriber();
    dispatcher::with_default(&subscriber, || {
        let (outside, task) = Job::from_closure(|| speak("outside".into()), JobOptions::default());
        let (inside, held) = info_span!("request", user = "ada").in_scope(|| {
            Inline::new()
                .submit(speak, "at once".to_owned())
                .wait()
                .unwrap();
            Job::from_closure(|| speak("later".into()), JobOptions::default())
        });
        let subscriber = subscriber.clone();
        let elsewhere = std::thread::spawn(move || {
            dispatcher::with_default(&subscriber, || {
                inside.run();
                outside.run();
            });
        });
        elsewhere.join().unwrap();
        assert!(task.wait().is_ok() && held.wait().is_ok());
    });
    let lines = book.lines();
    let inside = r#"INFO request{user="ada"}: "#;
    assert_eq!(
        lines[..2],
        [format!("{inside}at once"), format!("{inside}later")]
    );
    assert_eq!(lines[2], "INFO outside");
}

#[test]
fn a_coroutine_enters_its_span_at_each_step() {
    let book = Book::default();
    dispatcher::with_default(&book.subscriber(), || {
        let mut surroundings = info_span!("request").in_scope(Surroundings::capture);
        surroundings.resume(|| speak("one".into()));
        speak("between".into());
        surroundings.resume(|| speak("two".into()));
    });
    assert_eq!(
        book.lines(),
        ["INFO request: one", "INFO between", "INFO request: two"]
    );
}

/// A span that is not recorded is not carried either.
#[test]
fn a_disabled_span_is_none() {
    let book = Book::default();
    dispatcher::with_default(&book.subscriber(), || {
        let captured = tracing::trace_span!("too fine").in_scope(Surroundings::capture);
        assert!(captured.is_empty());
        assert!(
            !info_span!("request")
                .in_scope(Surroundings::capture)
                .is_empty()
        );
    });
    assert!(
        info_span!("nobody listens")
            .in_scope(Surroundings::capture)
            .is_empty()
    );
}
