use super::*;
use crate::peers::report::sample;

/// Reads `text` as XML, as far as charts use it, and returns its elements' names.
fn elements(text: &str) -> Vec<String> {
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        well_escaped(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag that does not end");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "in {text}");
            continue;
        }
        let (tag, is_empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        attributes_are_quoted(attributes);
        seen.push(name.to_owned());
        if !is_empty {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert_eq!(rest.trim(), "", "text after the end");
    seen
}

fn attributes_are_quoted(attributes: &str) {
    let mut rest = attributes;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("no value");
        assert!(name.trim().chars().all(|c| c.is_alphanumeric() || c == '-'));
        let (value, after) = after.split_once('"').expect("no end of the value");
        well_escaped(value);
        rest = after;
    }
}

fn well_escaped(text: &str) {
    assert!(!text.contains(['<', '>']), "{text}");
    for (place, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
        assert!(known.iter().any(|entity| text[place..].starts_with(entity)));
    }
}

#[test]
fn a_chart_is_well_formed_and_has_a_bar_for_each_figure() {
    let mut report = sample();
    report.title = "<Tests> & \"more\"";
    let chart = chart(&report);
    let elements = elements(&chart);
    assert_eq!(elements[0], "svg");
    assert_eq!(elements.iter().filter(|name| *name == "rect").count(), 3);
    assert!(chart.contains("not measured"), "{chart}");
    assert!(chart.contains("nanoseconds; less is better"), "{chart}");
    assert!(chart.contains("prefers-color-scheme: dark"), "{chart}");
}

#[test]
fn figures_far_apart_get_a_logarithmic_axis() {
    let mut report = sample();
    if let Ok(figures) = &mut report.rows[1].figures {
        figures.median = 46_800.0;
        figures.max = 50_000.0;
    }
    let axis = Axis::of(&report);
    assert!(axis.logarithmic);
    assert_eq!((axis.from, axis.to), (100.0, 100_000.0));
    let labels: Vec<_> = axis.ticks().into_iter().map(|(_, label)| label).collect();
    assert_eq!(labels, ["100", "1,000", "10,000", "100,000"]);
    assert_eq!(axis.place(100.0), 0.0);
    assert_eq!(axis.place(100_000.0), LENGTH);
    elements(&chart(&report));
}

#[test]
fn a_linear_axis_starts_at_zero_and_holds_the_largest() {
    let axis = Axis::of(&sample());
    assert!(!axis.logarithmic);
    assert_eq!(axis.from, 0.0);
    assert!(axis.to >= 1050.0);
    assert!(axis.ticks().len() >= 3);
}

#[test]
fn nothing_but_zeros_is_a_chart_too() {
    let mut report = sample();
    for row in &mut report.rows {
        row.figures = Ok(Figures {
            median: 0.0,
            min: 0.0,
            max: 0.0,
        });
    }
    elements(&chart(&report));
    report.rows.clear();
    elements(&chart(&report));
}
