use super::MOST_EMPTY;
use crate::codec::{decode, encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u128, i128);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    One(Box<Shape>),
    Two(f32, f64),
    Named { a: Option<char>, b: Vec<i8> },
}

type Everything = (
    (bool, i8, i16, i32, u8, u16, u32, u64),
    (Unit, Newtype, Pair, String, Option<Unit>, ()),
    (Vec<Shape>, BTreeMap<String, [u16; 3]>, Box<[u8]>),
);

fn everything() -> Everything {
    let shapes = vec![
        Shape::Empty,
        Shape::One(Box::new(Shape::Two(1.5, -2.5))),
        Shape::Named {
            a: Some('ä'),
            b: vec![-1, 1],
        },
    ];
    let text = "text".to_owned();
    let pair = Pair(u128::MAX, i128::MIN);
    (
        (true, -1, -300, i32::MIN, 255, 300, u32::MAX, u64::MAX),
        (Unit, Newtype(i64::MIN), pair, text.clone(), Some(Unit), ()),
        (shapes, [(text, [1, 2, 300])].into(), [7, 8].into()),
    )
}

#[test]
fn everything_is_read_as_postcard_reads_it() {
    let value = everything();
    let mut bytes = Vec::new();
    encode(&value, &mut bytes).unwrap();
    assert_eq!(decode::<Everything>(&bytes).unwrap(), value);
    // What is cut off or garbled is an error to both, or the same.
    for place in 0..bytes.len() {
        assert!(decode::<Everything>(&bytes[..place]).is_err());
        for bit in 0..8 {
            let mut garbled = bytes.clone();
            garbled[place] ^= 1 << bit;
            let theirs = postcard::take_from_bytes::<Everything>(&garbled);
            let theirs = theirs.ok().filter(|(_, rest)| rest.is_empty());
            let theirs = theirs.map(|(value, _)| format!("{value:?}"));
            let ours = decode::<Everything>(&garbled).ok();
            assert_eq!(ours.map(|value| format!("{value:?}")), theirs);
        }
    }
}

fn length(len: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&len, &mut bytes).unwrap();
    bytes
}

/// Whoever reads as many as some of these promise is never done.
#[test]
fn a_promise_of_elements_without_bytes_is_not_believed() {
    fn refused<T: DeserializeOwned + Debug>(bytes: &[u8]) {
        let why = decode::<T>(bytes).unwrap_err();
        assert!(why.contains("take no bytes"), "{why}");
    }
    for len in [MOST_EMPTY as u64 + 1, u64::MAX / 2, u64::MAX] {
        refused::<Vec<()>>(&length(len));
        refused::<Vec<(Unit, [u8; 0])>>(&length(len));
        refused::<BTreeMap<(), ()>>(&length(len));
        refused::<Vec<Vec<()>>>(&[length(1), length(len)].concat());
    }
    // Together they are too many.
    let half = length(MOST_EMPTY as u64 / 2 + 1);
    refused::<(Vec<()>, Vec<()>)>(&[half.clone(), half].concat());
    let most = decode::<Vec<()>>(&length(MOST_EMPTY as u64 - 1));
    assert_eq!(most.unwrap().len(), MOST_EMPTY - 1);
    // Those of a tuple are not promised.
    let pairs = vec![(1_u8, ()); MOST_EMPTY + 1];
    let mut bytes = Vec::new();
    encode(&pairs, &mut bytes).unwrap();
    assert!(decode::<Vec<(u8, ())>>(&bytes).unwrap() == pairs);
    // Others run out of bytes.
    assert!(decode::<Vec<u8>>(&length(u64::MAX)).is_err());
}

/// On a stack like a supervisor's.
#[test]
fn what_is_nested_too_deeply_overflows_no_stack() {
    fn nested() {
        let why = decode::<Shape>(&vec![1; 10 << 20]).unwrap_err();
        assert!(why.contains("nested too deeply"), "{why}");
        let mut some = vec![1; 1000];
        some.push(0);
        assert!(decode::<Shape>(&some).is_ok());
    }
    let builder = std::thread::Builder::new().stack_size(8 << 20);
    builder.spawn(nested).unwrap().join().unwrap();
}
