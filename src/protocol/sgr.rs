//! SGR: the parameters of `CSI .. m` applied to a style (ECMA-48 8.3.117, and ITU T.416 for the
//! forms with colons).
//!
//! Invariant: an unknown or malformed parameter changes nothing, and takes its own arguments with
//! it, so that none of them is read as another parameter.

use anstyle_parse::Params;

use super::style::{TextColor, TextStyle};

/// Applies all parameters in order.
pub(super) fn apply(params: &Params, style: &mut TextStyle) {
    let mut rest = params.iter();
    while let Some(param) = rest.next() {
        let Some((&code, sub)) = param.split_first() else {
            continue;
        };
        match code {
            38 | 48 | 58 => {
                let color = if sub.is_empty() {
                    color_from_params(&mut rest)
                } else {
                    color_from_subparams(sub)
                };
                match (code, color) {
                    (38, Some(color)) => style.fg = Some(color),
                    (48, Some(color)) => style.bg = Some(color),
                    // 58 colours the underline, which is not kept.
                    _ => {}
                }
            }
            4 => style.underline = sub.first() != Some(&0),
            _ => simple(code, style),
        }
    }
}

fn simple(code: u16, style: &mut TextStyle) {
    let indexed = |from: u16| u8::try_from(code - from).ok().map(TextColor::Indexed);
    match code {
        0 => *style = TextStyle::default(),
        1 => style.bold = true,
        2 => style.dim = true,
        3 => style.italic = true,
        7 => style.reverse = true,
        // Double underline.
        21 => style.underline = true,
        22 => {
            style.bold = false;
            style.dim = false;
        }
        23 => style.italic = false,
        24 => style.underline = false,
        27 => style.reverse = false,
        30..=37 => style.fg = indexed(30),
        39 => style.fg = None,
        40..=47 => style.bg = indexed(40),
        49 => style.bg = None,
        90..=97 => style.fg = indexed(90 - 8),
        100..=107 => style.bg = indexed(100 - 8),
        _ => {}
    }
}

/// `38;5;n` and `38;2;r;g;b`: the arguments are the next parameters.
fn color_from_params<'a>(rest: &mut impl Iterator<Item = &'a [u16]>) -> Option<TextColor> {
    let mut next = || rest.next().and_then(|param| param.first().copied());
    match next()? {
        5 => Some(TextColor::Indexed(u8::try_from(next()?).ok()?)),
        2 => {
            let (red, green, blue) = (next()?, next()?, next()?);
            rgb(red, green, blue)
        }
        // How many arguments an unknown form has is not known either: all that is left goes.
        _ => {
            rest.for_each(drop);
            None
        }
    }
}

/// `38:5:n`, `38:2:r:g:b` and `38:2:space:r:g:b`.
fn color_from_subparams(sub: &[u16]) -> Option<TextColor> {
    match *sub {
        [5, index, ..] => Some(TextColor::Indexed(u8::try_from(index).ok()?)),
        [2, red, green, blue] => rgb(red, green, blue),
        [2, _space, red, green, blue, ..] => rgb(red, green, blue),
        _ => None,
    }
}

fn rgb(red: u16, green: u16, blue: u16) -> Option<TextColor> {
    Some(TextColor::Rgb(
        u8::try_from(red).ok()?,
        u8::try_from(green).ok()?,
        u8::try_from(blue).ok()?,
    ))
}
