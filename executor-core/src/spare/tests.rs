use super::*;

const MIB: usize = 1 << 20;

fn buffer(capacity: usize) -> Vec<u8> {
    Vec::with_capacity(capacity)
}

/// A store that somebody has asked for a buffer.
fn open(now: Instant) -> Store {
    let mut store = Store::new();
    assert_eq!(store.take(MIB, now).capacity(), 0);
    store
}

#[test]
fn what_was_given_is_used_again() {
    let now = Instant::now();
    let mut store = open(now);
    let mut given = buffer(MIB);
    given.push(1);
    let place = given.as_ptr();
    assert!(store.give(given, now).surplus.is_empty());
    let taken = store.take(MIB, now);
    assert_eq!((taken.as_ptr(), taken.len()), (place, 0));
    assert_eq!(store.take(MIB, now).capacity(), 0);
}

#[test]
fn no_more_is_kept_than_the_bounds_allow() {
    let now = Instant::now();
    let mut store = open(now);
    for _ in 0..3 * MOST {
        let _ = store.give(buffer(MIB), now);
        assert!(store.buffers.len() <= MOST);
    }
    for n in 1..10 {
        let freed = store.give(buffer(60 * MIB + n), now).surplus.len();
        assert!(store.bytes() <= MOST_BYTES && freed > 0);
        assert_eq!(store.buffers.back().unwrap().capacity(), 60 * MIB + n);
    }
    assert_eq!(store.buffers.len(), 2);
    assert_eq!(store.give(buffer(MOST_BYTES + 1), now).surplus.len(), 1);
    assert_eq!(store.buffers.len(), 2);
}

#[test]
fn a_small_payload_gets_no_large_memory() {
    let now = Instant::now();
    let mut store = open(now);
    let _ = store.give(buffer(4 * MIB), now);
    assert_eq!(store.take(2 * MIB - 1, now).capacity(), 0);
    assert_eq!(store.take(4 * MIB + 1, now).capacity(), 0);
    assert_eq!(store.take(2 * MIB, now).capacity(), 4 * MIB);
}

#[test]
fn what_nobody_uses_goes() {
    let now = Instant::now();
    let mut store = open(now);
    assert_eq!(store.give(buffer(MIB), now).look, Some(KEPT_FOR));
    // Somebody looks already.
    assert_eq!(store.give(buffer(MIB), now).look, None);
    let soon = now + KEPT_FOR / 2;
    drop(store.take(MIB, soon));
    let (freed, again) = store.look(now + KEPT_FOR);
    assert_eq!((freed.len(), again), (0, Some(KEPT_FOR / 2)));
    let (freed, again) = store.look(soon + KEPT_FOR);
    assert_eq!((freed.len(), again), (1, None));
    assert!(store.buffers.is_empty());
    // Whoever gives the next one sees to it that somebody looks.
    let later = soon + 2 * KEPT_FOR;
    assert_eq!(store.give(buffer(MIB), later).look, Some(KEPT_FOR));
}

#[test]
fn nothing_is_kept_where_nobody_asks_and_where_it_is_forbidden() {
    let now = Instant::now();
    let mut store = Store::new();
    assert_eq!(store.give(buffer(MIB), now).surplus.len(), 1);
    let mut store = open(now);
    store.closed = true;
    let given = store.give(buffer(MIB), now);
    assert_eq!((given.surplus.len(), given.look), (1, None));
}

/// The contents are moved with the memory.
#[test]
fn room_is_made_without_loss() {
    give(take(LEAST));
    give(buffer(4 * LEAST));
    let mut text = b"text".to_vec();
    make_room(&mut text, 3 * LEAST);
    assert_eq!(text, b"text");
    make_room(&mut text, 1);
    assert_eq!(text, b"text");
}
