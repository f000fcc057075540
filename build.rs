//! Tells cargo that the rules are part of the program: a new file in a folder would else go unseen.
#![allow(clippy::print_stdout)] // the way a build script speaks to cargo

fn main() {
    println!("cargo::rerun-if-changed=rules");
}
