//! Lenient JSON fields: every type here reads any JSON value and keeps what it can use.
//!
//! Invariant: only broken JSON is an error. A value of another type reads as nothing, a key that
//! comes twice counts the last time (as in JavaScript), and what is not asked for is skipped
//! without being built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Runs `read` on a JSON text, and once more on a repaired copy when it fails.
///
/// Node.js writes half of a surrogate pair as `\ud83d` (`console.log` of a cut string in a cluster
/// process), which is no Unicode text and which `serde_json` refuses; such halves, and bytes that
/// are no UTF-8, become U+FFFD.
///
/// # Errors
/// What `read` says of the text, or of the repaired text where there was something to repair.
pub(super) fn read<T>(
    text: &[u8],
    read: impl Fn(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, serde_json::Error> {
    read(text).or_else(|error| match repaired(text) {
        Some(repaired) => read(&repaired),
        None => Err(error),
    })
}

/// Reads the whole text as one value; for use in [`read`].
pub(super) fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> serde_json::Result<T> {
    serde_json::from_slice(text)
}

/// A copy with U+FFFD in place of lone surrogates and of bytes that are no UTF-8; `None` where
/// there are none.
fn repaired(text: &[u8]) -> Option<Vec<u8>> {
    let valid = String::from_utf8_lossy(text);
    let mut copy = Vec::with_capacity(valid.len());
    let mut is_changed = matches!(valid, Cow::Owned(_));
    let mut rest = valid.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (before, escape) = rest.split_at(at);
        copy.extend_from_slice(before);
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                copy.extend_from_slice(b"\\ufffd");
                is_changed = true;
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (Some(_), _) => 6,
            // Both characters of any other escape, so that `\\u` is not taken for one.
            (None, _) => 2,
        };
        let (escape, after) = escape.split_at(length.min(escape.len()));
        copy.extend_from_slice(escape);
        rest = after;
    }
    copy.extend_from_slice(rest);
    is_changed.then_some(copy)
}

/// The UTF-16 unit that a text starting with `\uXXXX` names.
fn unit(text: &[u8]) -> Option<u16> {
    let hex = text.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    hex.iter().try_fold(0, |unit, &digit| Some(unit << 4 | (digit as char).to_digit(16)? as u16))
}

/// Any JSON value, kept where it is one of the simple ones.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) enum Scalar<'de> {
    /// Null, an object or an array.
    #[default]
    Nothing,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'de, str>),
}

impl Scalar<'_> {
    /// A whole number, also as text; the fraction of any other number is cut off.
    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => match text.trim().parse() {
                Ok(number) => Some(number),
                Err(_) => whole(text.trim().parse().ok()?),
            },
            Self::Float(number) => whole(*number),
            Self::Nothing | Self::Bool(_) => None,
        }
    }

    /// A whole number from 0.
    pub(super) fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|number| u64::try_from(number).ok())
    }

    /// A whole number from 0.
    pub(super) fn as_u32(&self) -> Option<u32> {
        self.as_i64().and_then(|number| u32::try_from(number).ok())
    }

    /// A number, also as text; never infinite, and not what is not a number.
    pub(super) fn as_f64(&self) -> Option<f64> {
        let number = match self {
            Self::Integer(number) => *number as f64,
            Self::Float(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Nothing | Self::Bool(_) => return None,
        };
        number.is_finite().then_some(number)
    }

    /// `true`, `false`, or these words as text.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Text, or a number as text.
    pub(super) fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Integer(number) => Some(Cow::Owned(number.to_string())),
            Self::Float(number) => Some(Cow::Owned(number.to_string())),
            Self::Nothing | Self::Bool(_) => None,
        }
    }

    /// Text only.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    // 2^53: beyond it JavaScript has no whole numbers either.
    (number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Integer))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_rest(seq).map(|()| Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Scalar::Nothing)
    }
}

/// Whole numbers: one, or an array of them, each also as text; at most [`NUMBERS_MAX`].
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Numbers(pub(super) Vec<i64>);

/// The most numbers kept of one array.
const NUMBERS_MAX: usize = 64;

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumbersVisitor)
    }
}

struct NumbersVisitor;

impl<'de> Visitor<'de> for NumbersVisitor {
    type Value = Numbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Numbers::default())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Numbers(vec![value]))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Numbers(i64::try_from(value).ok().into_iter().collect()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Numbers(whole(value).into_iter().collect()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Numbers(Scalar::Text(Cow::Borrowed(value)).as_i64().into_iter().collect()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Numbers::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = seq.next_element::<Scalar<'de>>()? {
            numbers.extend(number.as_i64().filter(|_| numbers.len() < NUMBERS_MAX));
        }
        Ok(Numbers(numbers))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Numbers::default())
    }
}

/// Reads an array to its end without building anything.
pub(super) fn skip_rest<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads an object to its end without building anything.
pub(super) fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads an object to its end, keeping the fields of interest.
pub(super) fn read_object<'de, T: Fields<'de>, A: MapAccess<'de>>(
    mut map: A,
) -> Result<T, A::Error> {
    let mut fields = T::default();
    while let Some(Key(key)) = map.next_key()? {
        fields.read(key, &mut map)?;
    }
    Ok(fields)
}

/// The fields of an object that are of interest; made by [`object!`].
pub(super) trait Fields<'de>: Default {
    /// Reads or skips the value that belongs to `key`.
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// An object's fields; `None` for any other JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Defines the fields of an object under their names on the wire, and skips all others.
macro_rules! object {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<$de:lifetime> { $($(#[$doc:meta])* $field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name<$de> { $($(#[$doc])* $vis $field: $type,)* }

        impl<$de> $crate::protocol::json::Fields<$de> for $name<$de> {
            fn read<A: serde::de::MapAccess<$de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                match key {
                    $($key => self.$field = map.next_value()?,)*
                    _ => {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(())
            }
        }
    };
}
pub(super) use object;

impl<'de, T: Fields<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
    }
}

struct ObjectVisitor<T>(std::marker::PhantomData<T>);

/// What is no object reads as none.
macro_rules! nothing {
    ($($visit:ident: $type:ty,)*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON")
        }
    };
}
pub(super) use nothing;

impl<'de, T: Fields<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str,);

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_rest(seq).map(|()| Object(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        read_object(map).map(|fields| Object(Some(fields)))
    }
}

/// A key as it stands in the text; `""` for one with escapes, which no key of interest has.
struct Key<'de>(&'de str);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(key))
    }

    fn visit_str<E: Error>(self, _key: &str) -> Result<Self::Value, E> {
        Ok(Key(""))
    }
}

#[cfg(test)]
mod tests;
