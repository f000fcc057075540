//! What a misspelt name was probably meant to be.

/// Longer names are no slips of the pen, and comparing them would cost their square.
const MAXIMUM_LENGTH: usize = 64;

/// The candidate nearest to `name`: at most a third of its letters, and always one, may differ.
/// The first of equals wins.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = name.chars().count();
    if letters > MAXIMUM_LENGTH {
        return None;
    }
    let limit = (letters / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(letters) <= limit)
        .filter_map(|candidate| Some((distance(name, candidate, limit)?, candidate)))
        .filter(|(distance, candidate)| *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The proposal as a sentence.
pub(crate) fn proposal<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|nearest| format!("did you mean `{nearest}`?"))
}

/// How many letters must be added, left out, changed or swapped with their neighbour to get from
/// one text to the other, if no more than `limit`. A change of case costs nothing beside another
/// change, and one alone.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (left, right): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in right.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut least = cell(&last, j) + usize::from(from != to);
            least = least.min(cell(&last, j + 1) + 1).min(cell(&row, j) + 1);
            let swapped =
                i > 0 && j > 0 && left.get(i - 1) == Some(to) && right.get(j - 1) == Some(from);
            if swapped {
                least = least.min(cell(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
        // A swap goes back two rows; beyond that nothing gets cheaper again.
        let over = |row: &[usize]| row.iter().all(|cost| *cost > limit);
        if over(&before) && over(&last) {
            return None;
        }
    }
    let least = last.last().copied().unwrap_or_default();
    Some(least.max(usize::from(a != b))).filter(|least| *least <= limit)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn proposes_what_was_meant() {
        let names = [
            "severity",
            "status",
            "evidence",
            "startsWith",
            "size",
            "node",
            "nodes",
        ];
        let table = [
            ("severty", Some("severity")),
            ("sevreity", Some("severity")),
            ("startswith", Some("startsWith")),
            ("sizes", Some("size")),
            ("noed", Some("node")),
            ("nodess", Some("nodes")),
            ("x", None),
            ("", None),
            ("frobnicate", None),
        ];
        for (name, wanted) in table {
            assert_eq!(nearest(name, names), wanted, "{name}");
        }
    }
}
