//! The `peers` report: ours and the others on the same work, in one run.
//!
//! A *group* is one kind of work, a *subject* one way to do it. All subjects of a
//! group are set up at the same time and warmed up; then each is measured once a
//! round, in an order that rotates, so that whatever else the machine does in the
//! meantime falls on all of them. Every result is checked; one that is wrong, or a
//! panic, ends the program with the name of the subject. One that cannot run here
//! is a row that says why.
//!
//! * `groups`: the work, one file for each kind;
//! * `rivals`: how the others are set up, each the way its documentation says;
//! * `measure`: rounds and medians; `sum`: one measurement of jobs that give numbers;
//!   `watchdog`: no measurement hangs unnoticed;
//! * `bar`: what ours is to reach; `report`: what was measured;
//! * `table`, `json`, `svg`, `markdown`: how it is shown; `machine`: where it was;
//! * `role`: what a copy of this program does that a group has started.
//!
//! Everyone has two threads or two workers, whatever the machine has.

mod bar;
mod groups;
mod json;
mod machine;
mod markdown;
mod measure;
mod options;
mod page;
mod report;
mod rivals;
mod role;
mod sum;
mod svg;
mod table;
mod watchdog;

use self::options::Options;
use self::report::Report;
use clap::Parser as _;
use std::error::Error;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// How many threads or worker processes everyone has.
pub(crate) const WORKERS: usize = 2;

/// What went wrong: it ends the program.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// The program: what its arguments ask for, or what a group has started it for.
///
/// It is to be called after `pool_process::init` and `procspawn::init`.
pub fn main() -> ExitCode {
    let ended = match role::asked() {
        Some(role) => role.play(),
        None => limit_the_blocking_pool().and_then(|()| report(&Options::parse())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("peers: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// async-std and `blocking` share a pool whose size a variable sets, and they read
/// it once: so this program starts again with it.
fn limit_the_blocking_pool() -> Result<(), Fault> {
    const LIMIT: &str = "BLOCKING_MAX_THREADS";
    let wanted = WORKERS.to_string();
    if std::env::var_os(LIMIT).is_some_and(|limit| limit.to_str() == Some(&wanted)) {
        return Ok(());
    }
    let mut again = Command::new("/proc/self/exe");
    again.args(std::env::args_os().skip(1)).env(LIMIT, wanted);
    Err(again.exec().into())
}

fn report(options: &Options) -> Result<(), Fault> {
    if options.list {
        for plan in groups::ALL {
            println!("{:<20} {}", plan.name, plan.title);
        }
        return Ok(());
    }
    let plans = options.plans()?;
    let scale = options.scale();
    options.check()?;
    let machine = machine::Machine::look(&options.command());
    println!("{machine}");
    let mut reports: Vec<Report> = Vec::new();
    for plan in plans {
        let report = measure::measure(plan, scale)?;
        println!("{}", table::plain(&report));
        reports.push(report);
    }
    if let Some(file) = &options.json {
        options::write(file, &json::array(&reports))?;
    }
    if let Some(directory) = &options.svg {
        for report in &reports {
            let file = directory.join(format!("{}.svg", report.name));
            options::write(&file, &svg::chart(report))?;
        }
    }
    if let Some(file) = &options.markdown {
        let notes = options::read(&options.notes)?;
        let charts = options.charts();
        let page = markdown::page(&machine, &reports, charts.as_deref(), &notes);
        options::write(file, &page)?;
    }
    if let Some(file) = &options.readme {
        let text = markdown::replace(&options::read(file)?, &machine, &reports)?;
        options::write(file, &text)?;
    }
    Ok(())
}
