//! Reading values of whoever may lie about them.
//!
//! A list says how many elements it has before they come, and [postcard] goes by
//! that. As long as each takes a byte, the bytes run out soon. But elements of size
//! zero take none: of those, nine bytes can promise 2⁶⁴, and whoever reads them is
//! busy for centuries. And a value of a recursive type nests as deep as its bytes are
//! many, which no stack holds.
//!
//! So lists, maps and whatever else contains values are read here, and the rest by
//! postcard. All elements of lists that take no bytes, taken together, are no more
//! than [`MOST_EMPTY`] in a value; and no more than [`MOST_STACK`] bytes of stack are used, which
//! is measured and not counted: a limit in levels would be too much for one type and
//! too little for another.
//!
//! [postcard]: https://docs.rs/postcard

#[cfg(test)]
mod tests;

use postcard::Error;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use std::cell::Cell;

/// So many elements of a value may take no bytes.
pub(super) const MOST_EMPTY: usize = 1 << 20;
/// Half of what Rust's threads have: owners drop, compare and print on these what a
/// supervisor has read on more.
pub(super) const MOST_STACK: usize = 1 << 20;

/// What all readers of a value share.
pub(super) struct Account<'de> {
    rest: Cell<&'de [u8]>,
    empty: Cell<usize>,
    stack: usize,
    excess: Cell<Option<&'static str>>,
}

impl<'de> Account<'de> {
    pub(super) fn of(bytes: &'de [u8]) -> Self {
        Self {
            rest: Cell::new(bytes),
            empty: Cell::new(0),
            stack: stack_pointer(),
            excess: Cell::new(None),
        }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'de [u8] {
        self.rest.get()
    }

    /// Which of the bounds was passed, if any was.
    pub(super) fn excess(&self) -> Option<&'static str> {
        self.excess.get()
    }

    fn refuse<T>(&self, what: &'static str) -> Result<T, Error> {
        self.excess.set(Some(what));
        Err(Error::SerdeDeCustom)
    }

    /// Called when an element was read, before which so many bytes were left.
    #[inline]
    fn element(&self, before: usize) -> Result<(), Error> {
        if self.rest.get().len() < before {
            return Ok(());
        }
        self.empty.set(self.empty.get() + 1);
        match self.empty.get() > MOST_EMPTY {
            true => self.refuse("it has more than a million elements that take no bytes"),
            false => Ok(()),
        }
    }

    #[inline]
    fn descend(&self) -> Result<(), Error> {
        match self.stack.abs_diff(stack_pointer()) > MOST_STACK {
            true => self.refuse("it is nested too deeply"),
            false => Ok(()),
        }
    }
}

#[inline(always)]
fn stack_pointer() -> usize {
    let here = 0_u8;
    (&raw const here).addr()
}

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a, 'de>(pub(super) &'a Account<'de>);

impl<'de> Reader<'_, 'de> {
    /// One of what postcard reads.
    #[inline]
    fn plain<T: Deserialize<'de>>(self) -> Result<T, Error> {
        let (value, rest) = postcard::take_from_bytes(self.0.rest.get())?;
        self.0.rest.set(rest);
        Ok(value)
    }
}

macro_rules! plain {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.plain::<$type>()?)
        }
    )*};
}

/// What postcard does not support because it is not told what comes.
macro_rules! unsupported {
    ($($method:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(Error::WontImplement)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Error;

    plain! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
        deserialize_char visit_char char,
        deserialize_str visit_borrowed_str &'de str,
        deserialize_string visit_borrowed_str &'de str,
        deserialize_bytes visit_borrowed_bytes &'de [u8],
        deserialize_byte_buf visit_borrowed_bytes &'de [u8],
    }

    unsupported!(
        deserialize_any,
        deserialize_identifier,
        deserialize_ignored_any
    );

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain::<u8>()? {
            0 => visitor.visit_none(),
            1 => {
                self.0.descend()?;
                visitor.visit_some(self)
            }
            _ => Err(Error::DeserializeBadOption),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.descend()?;
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let len = self.plain()?;
        self.0.descend()?;
        visitor.visit_seq(Elements::promised(self, len))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.descend()?;
        visitor.visit_seq(Elements {
            reader: self,
            len,
            promised: false,
        })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let len = self.plain()?;
        self.0.descend()?;
        visitor.visit_map(Elements::promised(self, len))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.descend()?;
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a list, or the entries of a map, that are left to be read.
struct Elements<'a, 'de> {
    reader: Reader<'a, 'de>,
    len: usize,
    /// Whether the bytes say how many there are, and not the type.
    promised: bool,
}

impl<'a, 'de> Elements<'a, 'de> {
    fn promised(reader: Reader<'a, 'de>, len: usize) -> Self {
        let promised = true;
        Self {
            reader,
            len,
            promised,
        }
    }

    fn left(&self) -> usize {
        self.reader.0.rest.get().len()
    }

    /// What is said of the length is believed as far as there are bytes for it.
    fn hint(&self) -> Option<usize> {
        Some(self.len).filter(|&len| len <= self.left())
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.len == 0 {
            return Ok(None);
        }
        self.len -= 1;
        let before = self.left();
        let element = seed.deserialize(self.reader)?;
        if self.promised {
            self.reader.0.element(before)?;
        }
        Ok(Some(element))
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.next_element_seed(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> EnumAccess<'de> for Reader<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let variant = self.plain::<u32>()?;
        let value = seed.deserialize(variant.into_deserializer())?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_, 'de> {
    type Error = Error;

    #[inline]
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
