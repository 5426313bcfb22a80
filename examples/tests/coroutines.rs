//! The program prints what the article's programs print. Order and counts are
//! checked, and that nothing took less time than it must; never that it was fast.

mod common;

use common::program::run;
use std::collections::BTreeSet;
use std::process::Command;

/// The lines of these programs, each under its name.
fn lines(program: &str) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroutines"));
    let output = run(command.args(["--second", "50", program]));
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(str::to_owned).skip(1);
    assert_eq!(lines.next(), Some(format!("# {program}")));
    lines.collect()
}

/// Checks the last line, which says how many seconds it took, and drops it.
fn took_at_least(lines: &mut Vec<String>, seconds: f64) {
    let last = lines.pop().unwrap();
    let number = last.trim_matches(|c: char| !c.is_ascii_digit());
    let took: f64 = number.parse().unwrap_or_else(|_| panic!("{last:?}"));
    assert!(took >= seconds, "{last}");
}

/// The thread in a line such as `func func1  <Thread(main, ThreadId(1))>`.
fn thread(line: &str) -> &str {
    let start = line.find("<Thread(").unwrap_or_else(|| panic!("{line}"));
    let end = line.find(")>").unwrap();
    &line[start..end]
}

/// The ids of the processes that blocking functions ran in.
fn processes(lines: &[String]) -> BTreeSet<&str> {
    let parts = lines
        .iter()
        .filter_map(|line| line.rsplit_once("进程ID为: "));
    parts.map(|(_, pid)| pid).collect()
}

#[test]
fn a_coroutine_runs_when_a_loop_runs_it() {
    assert_eq!(
        lines("first"),
        ["in async fun add", "5", "in async fun add", "5"]
    );
}

/// G3: four seconds.
#[test]
fn awaits_in_sequence_take_as_long_as_all_of_them() {
    let mut lines = lines("sequence");
    took_at_least(&mut lines, 4.0);
    let expected = [
        "in test a",
        "Resuming a",
        "in test b",
        "Resuming b",
        "test a result is 1",
        "test b result is 2",
    ];
    assert_eq!(lines, expected);
}

/// G4: three seconds, results in the order of the arguments.
#[test]
fn gather_takes_as_long_as_the_slowest() {
    let mut lines = lines("gather");
    took_at_least(&mut lines, 3.0);
    let expected = [
        "in test a",
        "in test b",
        "Resuming b",
        "Resuming a",
        "test a result is 1",
        "test b result is 2",
    ];
    assert_eq!(lines, expected);
}

/// G11: what a task shows of itself.
#[test]
fn tasks_show_their_state() {
    let lines = lines("tasks");
    for half in lines.chunks(lines.len() / 2) {
        assert!(half[0].starts_with("Task {") && half[0].contains("state: pending"));
        assert!(half[1].contains("\"Task-") && half[1].contains("state: pending"));
        assert_eq!(half[2], "false false");
        assert!(half[3].ends_with("the result is not ready"), "{half:?}");
        let rest = ["in test a", "in test b", "Resuming b", "Resuming a"];
        assert_eq!(half[4..8], rest);
        assert_eq!(half[8..11], ["true true", "2", "1"]);
    }
}

#[test]
fn wait_gives_the_tasks_back() {
    let mut lines = lines("wait");
    took_at_least(&mut lines, 3.0);
    let [.., done, pending, result] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(done.matches("finished returned i32").count(), 2, "{done}");
    assert_eq!((&**pending, &**result), ("[]", "1"));
}

/// G5: after one second, one is done and has failed, the other is pending.
#[test]
fn the_first_exception_ends_a_wait() {
    let mut lines = lines("first-exception");
    took_at_least(&mut lines, 1.0);
    let [a, b, done, pending, exception] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert_eq!((&**a, &**b), ("in test a", "in test b"));
    assert_eq!(done.matches("finished raised Failed").count(), 1, "{done}");
    assert_eq!(pending.matches("Task {").count(), 1, "{pending}");
    assert_eq!(exception, "exception=Some(ZeroDivisionError)");
}

#[test]
fn a_task_runs_on_the_thread_that_runs_the_loop() {
    for (program, last) in [
        ("one-task", "task result is  func1"),
        ("callback", "task 运行结束,它的结果是: func1"),
        ("run-forever", "task 运行结束,它的结果是: func1"),
    ] {
        let lines = lines(program);
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!(lines[1], "Suspending func1");
        assert_eq!(thread(&lines[2]), thread(&lines[0]));
        assert_eq!((&*lines[3], &*lines[4]), ("Resuming func1", last));
    }
}

/// G6.
#[test]
fn a_task_whose_loop_never_runs_is_destroyed_and_reported() {
    let lines = lines("never-run");
    let reports = lines
        .iter()
        .filter(|line| line.starts_with("Task was destroyed but it is pending!"));
    assert_eq!(reports.count(), 1, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("Suspending")));
}

/// G9: a callback's line comes after the task's own.
#[test]
fn each_callback_comes_after_its_task() {
    for program in ["two-tasks", "results", "everything"] {
        let lines = lines(program);
        let mut resumed = 0;
        let mut called = 0;
        for line in &lines {
            resumed += usize::from(line.starts_with("Resuming func"));
            called += usize::from(line.starts_with("task 运行结束,它的结果是: func"));
            assert!(called <= resumed, "{lines:#?}");
        }
        let coroutines = [("two-tasks", 2), ("results", 2), ("everything", 6)];
        let expected = coroutines
            .iter()
            .find(|(name, _)| *name == program)
            .unwrap()
            .1;
        assert_eq!(called, expected, "{lines:#?}");
    }
}

#[test]
fn callbacks_of_a_loop_are_called_one_after_another_on_its_thread() {
    let lines = lines("call-soon");
    let own: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("阻塞函数"))
        .collect();
    assert_eq!(own.len(), 6);
    for pair in own.chunks(2) {
        assert!(
            pair[0].contains("开始") && pair[1].contains("结束"),
            "{lines:#?}"
        );
    }
    let threads: BTreeSet<_> = own.iter().map(|line| thread(line)).collect();
    assert_eq!(threads.len(), 1);
    assert_ne!(
        threads.first(),
        Some(&thread(&lines[0])),
        "not the main thread"
    );
}

#[test]
fn an_executor_runs_them_at_the_same_time_on_threads_of_its_own() {
    for program in ["threads", "default-executor"] {
        let lines = lines(program);
        let starts: Vec<_> = lines.iter().filter(|line| line.contains("开始")).collect();
        let threads: BTreeSet<_> = starts.iter().map(|line| thread(line)).collect();
        assert_eq!(threads.len(), 3, "{lines:#?}");
        assert_eq!(processes(&lines).len(), 1);
    }
}

/// G7 and G10: of three jobs on two threads, the third starts when one of the
/// others has ended; on processes, each has its worker's id, and not ours.
#[test]
fn the_only_change_is_which_executor_is_made() {
    let lines = lines("executors");
    let second = lines
        .iter()
        .rposition(|line| line == "主线程不会阻塞")
        .unwrap();
    let (threads, processes_) = lines.split_at(second);
    let mut running = 0;
    let mut most = 0;
    for line in threads {
        running += i32::from(line.contains("开始"));
        running -= i32::from(line.contains("运行结束"));
        most = most.max(running);
    }
    assert!(most <= 2, "{threads:#?}");
    assert_eq!(
        threads.iter().filter(|line| line.contains("开始")).count(),
        3
    );
    let ours = processes(threads);
    assert_eq!(ours.len(), 1);
    let workers = processes(processes_);
    assert!(
        !workers.is_empty() && workers.is_disjoint(&ours),
        "{lines:#?}"
    );
    assert_eq!(
        processes_
            .iter()
            .filter(|line| line.contains("开始"))
            .count(),
        3
    );
}

#[test]
fn coroutines_from_another_thread_share_the_loops_thread() {
    let lines = lines("threadsafe");
    let own: BTreeSet<_> = lines[1..]
        .iter()
        .filter(|line| line.starts_with("func func"))
        .map(|line| thread(line))
        .collect();
    assert_eq!(own.len(), 1, "{lines:#?}");
    assert_ne!(own.first(), Some(&thread(&lines[0])));
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("Resuming"))
            .count(),
        4
    );
}

/// G8: as long as the slowest, and the results in the order of the arguments.
#[test]
fn one_gather_takes_tasks_of_every_kind() {
    let mut lines = lines("everything");
    took_at_least(&mut lines, 4.0);
    let results = r#"["func1", "func2", "www.baidu.com", "www.yangyanxing.com", "func1", "func2"]"#;
    assert_eq!(lines.last().unwrap(), results);
    let callbacks = lines
        .iter()
        .filter(|line| line.starts_with("task 运行结束"));
    assert_eq!(callbacks.count(), 8, "{lines:#?}");
}
