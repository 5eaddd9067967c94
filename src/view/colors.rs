//! Colours that a terminal has, in the place of those that it has not.

use ratatui::style::Color;

/// The terminal's own colour of that number.
pub(super) fn named(index: u8) -> Color {
    match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    }
}

/// Steps of the 6x6x6 cube of xterm's 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Red, green and blue of one of xterm's 256 colours from 16 on.
pub(super) fn rgb_of(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [8 + 10 * (index - 232); 3];
    }
    let index = index.saturating_sub(16);
    let step = |at: u8| CUBE.get(usize::from(at % 6)).copied().unwrap_or(0);
    [step(index / 36), step(index / 6), step(index)]
}

/// The nearest of the cube's and the greys' 240 colours.
pub(super) fn nearest_256(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|index| distance(rgb, rgb_of(*index))).unwrap_or(15)
}

/// The nearest of the 16 by their usual values, which users may have changed.
pub(super) fn nearest_16(rgb: [u8; 3]) -> u8 {
    const USUAL: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    (0..).zip(USUAL).min_by_key(|(_, usual)| distance(rgb, *usual)).map_or(7, |(index, _)| index)
}

/// Square of the distance of two colours.
fn distance(left: [u8; 3], right: [u8; 3]) -> u32 {
    left.iter().zip(right).map(|(left, right)| u32::from(left.abs_diff(right)).pow(2)).sum()
}
