//! The program itself, on a group that has all the others in it.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The program needs seconds: one that needs so long hangs.
const DEADLINE: Duration = Duration::from_secs(240);

fn peers(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peers"));
    command.args(arguments);
    let (tell, told) = channel();
    thread::spawn(move || tell.send(command.output()));
    let output = told.recv_timeout(DEADLINE).expect("the program hangs");
    output.expect("the program does not start")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).to_string_lossy().into_owned()
}

#[test]
fn a_group_is_measured_and_shown_in_every_way() {
    const GROUP: &str = "process-round-trip";
    let directory = tempfile::tempdir().unwrap();
    let at = |name| path(directory.path(), name);
    let (json, svg, page, readme, notes) = (
        at("p.json"),
        at("charts"),
        at("P.md"),
        at("R.md"),
        at("n.md"),
    );
    fs::write(&notes, "## Notes\n").unwrap();
    fs::write(&readme, "a\n<!-- peers -->\n<!-- end of peers -->\nz\n").unwrap();
    let mut arguments = vec!["--quick", "--only", GROUP];
    arguments.extend(["--json", &json, "--svg", &svg, "--markdown", &page]);
    arguments.extend(["--readme", &readme, "--notes", &notes]);
    let output = peers(&arguments);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.contains("process-round-trip: "), "{stdout}");

    let rows: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows[0]["subject"], "ours");
    for row in rows {
        assert_eq!((&row["group"], &row["unit"]), (&GROUP.into(), &"µs".into()));
        let subject = row["subject"].as_str().unwrap();
        if subject == "Python" && row["why"].is_string() {
            continue;
        }
        let number = |name: &str| row[name].as_f64().unwrap();
        assert!(number("min") > 0.0, "{row}");
        assert!(number("min") <= number("median"), "{row}");
        assert!(number("median") <= number("max"), "{row}");
        assert!(number("ratio_to_ours") > 0.0, "{row}");
        assert!(stdout.contains(subject), "{stdout}");
    }

    let svg = fs::read_to_string(Path::new(&svg).join("process-round-trip.svg")).unwrap();
    assert!(svg.contains("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("](charts/process-round-trip.svg)"), "{page}");
    assert!(page.ends_with("## Notes\n"), "{page}");
    let readme = fs::read_to_string(readme).unwrap();
    assert!(
        readme.starts_with("a\n<!-- peers -->\n| | ours |"),
        "{readme}"
    );
    assert!(readme.ends_with("<!-- end of peers -->\nz\n"), "{readme}");
}

#[test]
fn an_unknown_group_is_refused_before_anything_is_measured() {
    let output = peers(&["--only", "no-such-group"]);
    assert!(!output.status.success());
    let stderr = text(&output.stderr);
    assert!(stderr.contains("no-such-group"), "{stderr}");
    assert!(stderr.contains("thread-round-trip"), "{stderr}");
    assert!(text(&output.stdout).is_empty());
}

#[test]
fn a_file_that_cannot_be_written_is_known_before_anything_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = path(directory.path(), "no/such/directory/p.json");
    let output = peers(&["--json", &nowhere]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains(&nowhere));
    assert!(text(&output.stdout).is_empty());
}

#[test]
fn the_groups_can_be_listed() {
    let output = peers(&["--list"]);
    assert!(output.status.success());
    let stdout = text(&output.stdout);
    assert!(stdout.lines().count() >= 10, "{stdout}");
    assert!(stdout.contains("gather-done"), "{stdout}");
}
