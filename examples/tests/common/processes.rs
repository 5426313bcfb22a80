//! Which processes there are: `/proc` tells.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The processes that `pid` started, and those that they started.
pub fn descendants(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, Stat)> = all().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let mut family = vec![pid];
    let mut next = 0;
    while next < family.len() {
        let children = all.iter().filter(|(_, stat)| stat.parent == family[next]);
        let children: Vec<u32> = children.map(|(child, _)| *child).collect();
        family.extend(children);
        next += 1;
    }
    family.split_off(1)
}

/// The one of `pids` that has `path` open.
pub fn holder(pids: &[u32], path: &Path) -> Option<u32> {
    let has_open = |pid: &&u32| {
        let links = fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        links
            .flatten()
            .any(|link| fs::read_link(link.path()).is_ok_and(|target| target == path))
    };
    pids.iter().find(has_open).copied()
}

/// True until it has exited, whether or not anybody has asked for its status.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// `kill -9`.
pub fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success(), "cannot kill {pid}");
}

struct Stat {
    state: char,
    parent: u32,
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn stat(pid: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in parentheses, and may hold any character.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Stat { state, parent })
}
