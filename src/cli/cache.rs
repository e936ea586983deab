use std::path::{Path, PathBuf};

/// Where folded histories are kept: as asked for, else under the user's cache folder, else beside
/// other temporary files.
pub fn cache_dir(asked: Option<&Path>) -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_user = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let default = || of_user().unwrap_or_else(std::env::temp_dir).join("diffrisk");
    asked.map_or_else(default, Path::to_owned)
}
