//! The files in which apt is told its sources, in their older and their newer form (sources.list(5)).

/// An entry of a file of sources.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Entry {
    /// `deb`, or `deb-src`.
    pub kinds: Vec<String>,
    /// Where it is; each of them.
    pub uris: Vec<String>,
    /// What they have there.
    pub suites: Vec<String>,
    /// The parts of each.
    pub components: Vec<String>,
    /// Files and fingerprints, or a key itself.
    pub keyrings: Vec<String>,
    /// Whether it is there and not in use.
    pub off: bool,
    /// Whether its lists may be old.
    pub undated: bool,
}

/// An entry of the older form: `deb [options] URI SUITE COMPONENT...`.
pub fn of_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next()?.trim();
    let (kind, rest) = line.split_once(char::is_whitespace)?;
    let (options, rest) = match rest.trim_start().strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let mut entry = Entry {
        kinds: vec![kind.to_owned()],
        uris: words.next().into_iter().collect(),
        suites: words.next().into_iter().collect(),
        components: words.collect(),
        ..Entry::default()
    };
    for (key, value) in options.split_whitespace().filter_map(|option| option.split_once('=')) {
        entry.option(key, value);
    }
    Some(entry)
}

/// The entries of the newer form: fields, with an empty line between two entries.
pub fn of_paragraphs(text: &str) -> Vec<Entry> {
    let (mut entries, mut fields) = (Vec::new(), Vec::<(String, String)>::new());
    for line in text.lines().chain([""]).filter(|line| !line.starts_with('#')) {
        if line.trim().is_empty() {
            let mut entry = Entry::default();
            fields.drain(..).for_each(|(key, value)| entry.option(&key, &value));
            entries.push(entry);
        } else if line.starts_with([' ', '\t']) {
            fields.last_mut().into_iter().for_each(|(_, value)| *value += line);
        } else if let Some((key, value)) = line.split_once(':') {
            fields.push((key.to_owned(), value.to_owned()));
        }
    }
    entries
}

impl Entry {
    /// What both forms call alike.
    fn option(&mut self, key: &str, value: &str) {
        let words = || value.split([' ', '\t', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let is_no = ["no", "false", "without", "off", "disable", "0"].contains(&value.trim());
        match key.to_ascii_lowercase().as_str() {
            "types" => self.kinds = words(),
            "uris" => self.uris = words(),
            "suites" => self.suites = words(),
            "components" => self.components = words(),
            "signed-by" => self.keyrings = words(),
            "enabled" => self.off = is_no,
            "check-valid-until" => self.undated = is_no,
            _ => {}
        }
    }
}
