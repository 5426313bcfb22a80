//! Log lines that tell which worker wrote them, as Python's `logging` does with
//! `%(threadName)10s %(name)18s: %(message)s`.
//!
//! ```text
//! ThreadPoolExecutor-0_2          blocks(5): running
//! PID 40501          blocks(5): running
//! ```
//!
//! The name of the logger is that of the innermost span, with its fields'
//! values: `#[tracing::instrument] fn blocks(n: u64)` logs as `blocks(5)`.

use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// What a line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The name of the thread.
    Thread,
    /// The id of the process.
    Process,
}

/// Writes what this process logs to stderr, one line for each event.
///
/// # Panics
/// If the process has a global subscriber already.
pub fn init(who: Who) {
    let values = debug_fn(|writer, _field, value| write!(writer, "{value:?}"));
    tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_writer(std::io::stderr)
        .fmt_fields(values.delimited(", "))
        .event_format(Line(who))
        .init();
}

struct Line(Who);

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.0 {
            Who::Thread => write!(writer, "{:>10}", thread_name())?,
            Who::Process => write!(writer, "PID {:>5}", std::process::id())?,
        }
        write!(writer, " {:>18}: ", logger(context, event))?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The thread's name, or Python's name for the first one.
fn thread_name() -> String {
    match std::thread::current().name() {
        Some("main") => "MainThread".to_owned(),
        Some(name) => name.to_owned(),
        None => format!("{:?}", std::thread::current().id()),
    }
}

/// `span(values)`, or the module where an event outside every span comes from.
fn logger<S, N>(context: &FmtContext<'_, S, N>, event: &Event<'_>) -> String
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let Some(span) = context.lookup_current() else {
        return event.metadata().target().to_owned();
    };
    match span.extensions().get::<FormattedFields<N>>() {
        Some(values) if !values.is_empty() => format!("{}({values})", span.name()),
        _ => span.name().to_owned(),
    }
}
