//! Tells lines of logs that differ only in their numbers from lines that say something else.

/// The line with each word that holds a digit left open: times, counters, addresses, ids.
pub(super) fn template(line: &str) -> String {
    let mut template = String::with_capacity(line.len());
    let mut word = String::new();
    for c in line.chars() {
        if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':') {
            word.push(c);
        } else {
            close(&mut template, &mut word);
            template.push(c);
        }
    }
    close(&mut template, &mut word);
    template
}

fn close(template: &mut String, word: &mut String) {
    if word.contains(|c: char| c.is_ascii_digit()) {
        template.push('#');
    } else {
        template.push_str(word);
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn only_what_has_digits_is_left_open() {
        let line = |at, sector| {
            format!(
                "Mar 17 0{at}:00:01.5 harv-1 kernel: blk_update_request: I/O error, dev sdb, sector {sector} op 0x0:(READ)"
            )
        };
        assert_eq!(template(&line(7, 118)), template(&line(8, 4_096)));
        assert_eq!(
            template(&line(7, 118)),
            "Mar # # # kernel: blk_update_request: I/O error, dev sdb, sector # op #(READ)"
        );
        // Another disk is another line.
        assert_ne!(
            template(&line(7, 118)),
            template(&line(7, 118).replace("sdb", "sdc"))
        );
    }
}
