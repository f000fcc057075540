//! Why there is no archive to read at all. Once one is open, what is wrong with it is a value.

use std::io;

use miette::Diagnostic;
use thiserror::Error;

/// Why a bundle could not be opened.
#[derive(Debug, Error, Diagnostic)]
pub enum OpenError {
    /// No path was given.
    #[error("no bundle was given")]
    #[diagnostic(help("give the path of a support bundle: a zip, a tar, or a directory"))]
    NoPath,
    /// There is nothing at the path.
    #[error("{path} does not exist")]
    #[diagnostic(help("check the path; a bundle's name is like supportbundle_<id>_<time>.zip"))]
    NotFound {
        /// The path as given.
        path: String,
    },
    /// The operating system does not let it be read.
    #[error("{path} cannot be read")]
    #[diagnostic(help("check that the file is yours to read and that its disk is sound"))]
    NotReadable {
        /// The path as given.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file of no bytes.
    #[error("{path} is empty")]
    #[diagnostic(help("the download failed before its first byte: generate the bundle anew"))]
    Empty {
        /// The path as given.
        path: String,
    },
    /// What a web server answered in place of the bundle.
    #[error("{path} is no archive but {what}: {excerpt:?}")]
    #[diagnostic(help(
        "the download failed and the answer of the server was saved under the bundle's name: \
         download it again, or read in that answer why not"
    ))]
    ErrorPage {
        /// The path as given.
        path: String,
        /// "an HTML page" or "a JSON message".
        what: &'static str,
        /// Its beginning.
        excerpt: String,
    },
    /// Nothing that is known.
    #[error("{path} is neither a zip nor a tar nor a directory")]
    #[diagnostic(help(
        "bundles are read as zip, tar, tar.gz, tar.xz, or extracted; of a split one, give all parts"
    ))]
    NotAnArchive {
        /// The path as given.
        path: String,
    },
    /// Several paths that do not make up one bundle.
    #[error("these parts do not fit together: {reason}")]
    #[diagnostic(help(
        "give all parts of one bundle, and nothing else: the pieces of a split file, or archives \
         that each hold a part of the tree"
    ))]
    Parts {
        /// What does not fit.
        reason: String,
    },
}
