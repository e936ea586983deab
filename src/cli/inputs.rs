//! What is read must not be written over: a slip of the command line would cost a key or a record of incidents. And what cannot be
//! written is told before the work. Start at [`refuse_replacing`].

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};

/// Refuses a file to write that is one of the files to read.
pub fn refuse_replacing(flag: &str, path: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let Ok(target) = path.canonicalize() else { return Ok(()) };
    let is_target = |input: &&&Path| input.canonicalize().is_ok_and(|input| input == target);
    match inputs.iter().find(is_target) {
        Some(input) => {
            let message = format!("`{flag} {}` would replace what is read", input.display());
            Err(Failure::usage(message))
        }
        None => Ok(()),
    }
}

/// Refuses a file that could not be written, before anything is read for it.
pub fn refuse_unwritable(flag: &str, path: &Path) -> Result<(), Failure> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    try_in(dir, flag, path)
}

/// Refuses a directory that could not be made or written into, before anything is read for it. Nothing is made.
pub fn refuse_unwritable_dir(flag: &str, path: &Path) -> Result<(), Failure> {
    let nearest = path.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
    try_in(nearest, flag, path)
}

/// Writes a file into a directory that goes at once.
fn try_in(dir: &Path, flag: &str, path: &Path) -> Result<(), Failure> {
    let tried = tempfile::tempfile_in(dir).map(drop);
    tried.or_exit(Exit::BadInput, format!("`{flag} {}` cannot be written", path.display()))
}
