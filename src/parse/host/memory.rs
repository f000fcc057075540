//! `free` and `/proc/meminfo`.

use crate::parse::host::Reader;
use crate::parse::host::quantity::leading_count;
use crate::parse::host::section::Section;
use crate::span::Location;

/// Main memory and swap, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// All of it, without what the firmware and the kernel keep.
    pub total: u64,
    /// What a new process could get without swapping.
    pub available: Option<u64>,
    /// What nothing uses; low on a healthy host, as the rest is cache.
    pub free: Option<u64>,
    /// Swap in all; Harvester has none.
    pub swap_total: Option<u64>,
    /// Swap left.
    pub swap_free: Option<u64>,
    /// First line read.
    pub seen: Location,
}

/// Reads `free` or `free -k`, in KiB.
pub(super) fn read_free(reader: &mut Reader, section: &Section) {
    let mut headings: Vec<&str> = Vec::new();
    let mut memory: Option<Memory> = None;
    for (line, text) in section.lines() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let bytes = |heading: &str| {
            let at = headings.iter().position(|known| *known == heading)?;
            words.get(at + 1)?.parse::<u64>().ok()?.checked_mul(1024)
        };
        match words.first() {
            Some(&"total") => headings = words,
            Some(&"Mem:") => {
                memory = bytes("total").map(|total| Memory {
                    total,
                    available: bytes("available"),
                    free: bytes("free"),
                    swap_total: None,
                    swap_free: None,
                    seen: reader.at(line),
                });
            }
            Some(&"Swap:") => {
                if let Some(memory) = &mut memory {
                    memory.swap_total = bytes("total");
                    memory.swap_free = bytes("free");
                }
            }
            _ => {}
        }
    }
    keep(reader, memory);
}

/// Reads `/proc/meminfo`.
pub(super) fn read_meminfo(reader: &mut Reader, section: &Section) {
    let mut memory: Option<Memory> = None;
    let (mut available, mut free, mut swap_total, mut swap_free) = (None, None, None, None);
    for (line, text) in section.lines() {
        let Some((key, value)) = text.split_once(':') else {
            continue;
        };
        let bytes = leading_count(value).and_then(|kib| kib.checked_mul(1024));
        match key {
            "MemTotal" => {
                memory = bytes.map(|total| Memory {
                    total,
                    available: None,
                    free: None,
                    swap_total: None,
                    swap_free: None,
                    seen: reader.at(line),
                });
            }
            "MemAvailable" => available = bytes,
            "MemFree" => free = bytes,
            "SwapTotal" => swap_total = bytes,
            "SwapFree" => swap_free = bytes,
            _ => {}
        }
    }
    keep(
        reader,
        memory.map(|memory| Memory {
            available,
            free,
            swap_total,
            swap_free,
            ..memory
        }),
    );
}

fn keep(reader: &mut Reader, memory: Option<Memory>) {
    if reader.facts.memory.is_none() {
        reader.facts.memory = memory;
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::host::tests::facts_of;

    #[test]
    fn free_and_meminfo_say_the_same() {
        let free = "#==[ Command ]==#\n# /usr/bin/free -k\n\
            \x20              total        used        free      shared  buff/cache   available\n\
            Mem:       131911264    48211032     9011220      120332    74689012    82291012\n\
            Swap:           1024           0        1000\n";
        let meminfo = "#==[ Configuration File ]==#\n# /proc/meminfo\nMemTotal:       131911264 kB\n\
            MemFree:         9011220 kB\nMemAvailable:   82291012 kB\nSwapTotal: 1024 kB\nSwapFree: 1000 kB\n";
        for text in [free, meminfo] {
            let memory = facts_of(text).memory;
            let numbers = memory.map(|m| (m.total, m.available, m.free, m.swap_total, m.swap_free));
            let kib = |count: u64| Some(count * 1024);
            assert_eq!(
                numbers,
                Some((
                    131_911_264 * 1024,
                    kib(82_291_012),
                    kib(9_011_220),
                    kib(1024),
                    kib(1000)
                )),
                "{text}"
            );
        }
    }

    #[test]
    fn an_old_free_has_no_available_column() {
        let text = "#==[ Command ]==#\n# free -k\n             total       used       free     shared    buffers     cached\n\
            Mem:       1000        600        400          0          0          0\n";
        let memory = facts_of(text).memory;
        assert_eq!(
            memory.map(|memory| (memory.total, memory.available)),
            Some((1_024_000, None))
        );
    }
}
