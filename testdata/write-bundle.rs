//! Writes the bundle of a scenario: `write-bundle <scenario.yaml> <out.zip> [--broken <variant>]`, or a synthetic one:
//! `write-bundle --synthetic <nodes> <seed> <log scale> <out.zip>`.
//!
//! With a broken variant that consists of several files, `out` is the directory they are put in.

use std::error::Error;
use std::fs;
use std::io::BufWriter;
use std::path::Path;

#[path = "writer.rs"]
mod writer;

use writer::broken::{Variant, break_bundle};
use writer::bundle::{bundle, write};
use writer::scenario::Scenario;
use writer::synthetic::{add_bulk, synthetic};

const USAGE: &str = "usage: write-bundle <scenario.yaml> <out.zip> [--broken <variant>]\n       write-bundle --synthetic <nodes> <seed> <log scale> <out.zip>";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--synthetic", nodes, seed, scale, out] => {
            let mut scenario = synthetic(nodes.parse()?, seed.parse()?, scale.parse()?);
            add_bulk(&mut scenario);
            write(&scenario, BufWriter::new(fs::File::create(out)?))?;
        }
        [scenario, out] => {
            let scenario = Scenario::load(Path::new(scenario))?;
            match scenario.broken {
                Some(variant) => write_broken(&scenario, variant, Path::new(out))?,
                None => fs::write(out, bundle(&scenario)?)?,
            }
        }
        [scenario, out, "--broken", variant] => write_broken(
            &Scenario::load(Path::new(scenario))?,
            Variant::named(variant)?,
            Path::new(out),
        )?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn write_broken(scenario: &Scenario, variant: Variant, out: &Path) -> Result<(), Box<dyn Error>> {
    let files = break_bundle(&bundle(scenario)?, variant);
    if let [(_, content)] = files.as_slice() {
        fs::write(out, content)?;
        return Ok(());
    }
    for (name, content) in files {
        let path = out.join(name);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, content)?;
    }
    Ok(())
}
