use super::*;
use crate::peers::report::Unit;
use std::cell::RefCell;
use std::rc::Rc;

const QUICK: Scale = Scale { quick: true };

fn plan(start: fn(Scale) -> Result<Vec<Subject>, Fault>) -> Plan {
    Plan {
        name: "test",
        title: "A test",
        about: "",
        unit: Unit::Nanoseconds,
        once: false,
        start,
    }
}

/// A subject that gives these values, one after the other.
fn giving(name: &'static str, values: impl IntoIterator<Item = f64> + 'static) -> Subject {
    let mut values = values.into_iter().collect::<Vec<_>>().into_iter();
    Subject::new(name, move || values.next().ok_or("no value left".into()))
}

#[test]
fn the_median_of_an_odd_number_is_the_middle_one() {
    let figures = figures(&[5.0, 1.0, 3.0]).unwrap();
    assert_eq!((figures.median, figures.min, figures.max), (3.0, 1.0, 5.0));
}

#[test]
fn the_median_of_an_even_number_is_between_the_middle_ones() {
    assert_eq!(figures(&[4.0, 1.0, 2.0, 9.0]).unwrap().median, 3.0);
    assert_eq!(figures(&[7.0]).unwrap().median, 7.0);
    assert_eq!(figures(&[]), None);
}

#[test]
fn the_first_round_is_a_warm_up_and_does_not_count() {
    let start = |_| Ok(vec![giving("ours", [900.0, 1.0, 2.0, 3.0, 4.0, 5.0])]);
    let report = measure(&plan(start), QUICK).unwrap();
    let figures = report.rows[0].figures.clone().unwrap();
    assert_eq!((figures.median, figures.min, figures.max), (3.0, 1.0, 5.0));
    assert_eq!(report.rounds, 5);
}

#[test]
fn a_group_that_is_measured_once_has_no_warm_up() {
    let start = |_| Ok(vec![giving("ours", [8.0])]);
    let once = Plan {
        once: true,
        ..plan(start)
    };
    let report = measure(&once, QUICK).unwrap();
    assert_eq!(report.rows[0].figures.clone().unwrap().median, 8.0);
}

#[test]
fn ratios_and_bars_compare_medians() {
    let start = |_| {
        Ok(vec![
            giving("ours", [10.0; 6]),
            giving("met", [40.0; 6]).ours_at_most(0.25),
            giving("missed", [30.0; 6]).ours_at_most(0.25),
        ])
    };
    let report = measure(&plan(start), QUICK).unwrap();
    let ratios: Vec<_> = report.rows.iter().map(|row| row.ratio.unwrap()).collect();
    assert_eq!(ratios, [1.0, 4.0, 3.0]);
    let met = |row: &Row| row.verdict.map(|verdict| verdict.is_met());
    let met: Vec<_> = report.rows.iter().map(met).collect();
    assert_eq!(met, [None, Some(true), Some(false)]);
}

#[test]
fn nothing_is_divided_by_nothing_and_ours_only_by_itself() {
    let start = |_| {
        Ok(vec![
            giving("ours, threads", [0.0; 6]),
            giving("ours, processes", [5.0; 6]).bar(Bar::AtMost(5.0)),
            giving("theirs", [5.0; 6]),
        ])
    };
    let report = measure(&plan(start), QUICK).unwrap();
    assert!(report.rows.iter().all(|row| row.ratio.is_none()));
    assert!(report.rows[1].verdict.unwrap().is_met());
    let start = |_| {
        Ok(vec![
            giving("ours, a", [2.0; 6]),
            giving("ours, b", [5.0; 6]),
        ])
    };
    let report = measure(&plan(start), QUICK).unwrap();
    let ratios: Vec<_> = report.rows.iter().map(|row| row.ratio).collect();
    assert_eq!(ratios, [Some(1.0), None]);
}

#[test]
fn who_cannot_run_is_a_row_that_says_why() {
    let start = |_| {
        let absent = Subject::rival("absent", || Err("it is not installed".into()));
        let broken = Subject::rival("broken", || panic!("not initialised"));
        Ok(vec![
            giving("ours", [1.0; 6]),
            absent.ours_at_most(0.5),
            broken,
        ])
    };
    let report = measure(&plan(start), QUICK).unwrap();
    let whys = ["it is not installed", "it panicked: not initialised"];
    for (row, why) in report.rows[1..].iter().zip(whys) {
        assert_eq!(row.figures, Err(why.to_owned()));
        assert_eq!((row.ratio, row.verdict), (None, None));
    }
}

#[test]
fn faults_and_panics_name_the_subject() {
    let start = |_| Ok(vec![Subject::new("wrong", || Err("5 is not 6".into()))]);
    let fault = measure(&plan(start), QUICK).unwrap_err();
    assert_eq!(fault.to_string(), "test: wrong: 5 is not 6");
    let start = |_| Ok(vec![Subject::new("broken", || panic!("at {}", 7))]);
    let fault = measure(&plan(start), QUICK).unwrap_err();
    assert_eq!(fault.to_string(), "test: broken: it panicked: at 7");
    let fault = measure(&plan(|_| panic!("early")), QUICK).unwrap_err();
    assert_eq!(fault.to_string(), "test: it panicked: early");
}

#[test]
fn subjects_take_turns_and_nobody_is_always_first() {
    thread_local!(static ORDER: Rc<RefCell<String>> = Rc::default());
    let start = |_| {
        let logs = |name: &'static str| {
            Subject::new(name, move || {
                ORDER.with(|order| order.borrow_mut().push_str(name));
                Ok(1.0)
            })
        };
        Ok(vec![logs("a"), logs("b"), logs("c")])
    };
    measure(&plan(start), QUICK).unwrap();
    ORDER.with(|order| assert_eq!(*order.borrow(), "abcbcacababcbcacab"));
}
