//! What is read must not be written over: a slip of the command line would cost a key or a record of incidents.

use std::path::Path;

use crate::cli::failure::Failure;

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
