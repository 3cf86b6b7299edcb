//! Inputs made of inputs, the same for the same seed on every machine.

/// A row of numbers that looks random (SplitMix64: Steele, Lea, Flood 2014).
pub struct Random(pub u64);

#[allow(dead_code)]
impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another; 0 below 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// Whether one of so many turns has come.
    pub fn one_in(&mut self, turns: usize) -> bool {
        self.below(turns) == 0
    }

    /// One of these.
    pub fn of<'a, T: ?Sized + 'a>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// A part of a text, which may be empty.
    fn part(&mut self, of: &[u8]) -> std::ops::Range<usize> {
        let (a, b) = (self.below(of.len() + 1), self.below(of.len() + 1));
        a.min(b)..a.max(b)
    }
}

/// Bytes that mean something somewhere.
const TELLING: &[u8] = b"\0\x01\n\r\t \"'\\/=-.:,;#[]{}()0129aAzZ_%$\x7f\x80\xc3\xe2\xff";

/// Changes one of the inputs a few times; `tokens` are words that mean something to who reads it.
pub fn mutated(random: &mut Random, inputs: &[Vec<u8>], tokens: &[Vec<u8>]) -> Vec<u8> {
    let mut text = inputs[random.below(inputs.len())].clone();
    let most = random.below(7);
    for _ in 0..=random.below(most) {
        let at = random.below(text.len() + 1);
        match random.below(9) {
            0 if at < text.len() => text[at] ^= 1 << random.below(8),
            1 if at < text.len() => text[at] = TELLING[random.below(TELLING.len())],
            2 => text.insert(at, TELLING[random.below(TELLING.len())]),
            3 if !tokens.is_empty() => drop(text.splice(at..at, tokens[random.below(tokens.len())].iter().copied())),
            4 => drop(text.drain(random.part(&text))),
            5 => {
                let again = text[random.part(&text)].to_vec();
                text.splice(at..at, again);
            }
            6 => {
                let other = &inputs[random.below(inputs.len())];
                let (to, from) = (random.part(&text), random.part(other));
                text.splice(to, other[from].iter().copied());
            }
            7 => {
                // Whole lines or words change places.
                let mark = if text.contains(&0) { 0 } else { b'\n' };
                let mut parts: Vec<&[u8]> = text.split(|b| *b == mark).collect();
                let (a, b) = (random.below(parts.len()), random.below(parts.len()));
                parts.swap(a, b);
                text = parts.join(&mark);
            }
            _ => text.truncate(at),
        }
        text.truncate(8192);
    }
    text
}
