//! The family of a file, from its name: decides comments and a few ambiguous shapes.

/// How the lines of a file are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// YAML, Hiera, Helm values.
    Yaml,
    /// JSON and its relaxed forms.
    Json,
    /// TOML, INI, properties, env files.
    Ini,
    /// Terraform and other HCL.
    Hcl,
    /// PHP.
    Php,
    /// Puppet manifests.
    Puppet,
    /// XML.
    Xml,
    /// DNS zone files.
    Zone,
    /// `key value` files: nginx, Apache, HAProxy, Dockerfiles.
    Conf,
    /// One element a line: database lists, allow-lists.
    List,
    /// Schedules of commands.
    Cron,
    /// Prose and markup.
    Prose,
    /// A programming language.
    Code,
    /// Nothing known.
    Unknown,
}

impl Format {
    /// Judges by the file name; template suffixes (`.erb`, `.j2`, `.tpl`, …) are looked through.
    pub(super) fn of_path(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or("");
        let mut stem = name;
        while let Some((rest, suffix)) = stem.rsplit_once('.') {
            if !is_template_suffix(suffix) || !rest.contains('.') {
                break;
            }
            stem = rest;
        }
        match stem.rsplit_once('.') {
            Some((_, suffix)) if suffix.len() <= 12 => Self::of_suffix(&suffix.to_ascii_lowercase(), path),
            _ => Self::of_bare_name(name, path),
        }
    }

    /// The format of a file whose name has no suffix and tells it all the same; for readings that the model's
    /// features do not rest on.
    pub(super) fn of_directives(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or("");
        let is_schedule = path.contains("cron.d/")
            || name.ends_with("crontab")
            || name.ends_with(".cron")
            || path.contains("crontabs/");
        if name.ends_with(".dhall") || name.ends_with(".cue") {
            return Some(Self::Hcl);
        }
        let stem = name.split('.').next().unwrap_or("");
        let is_directives = matches!(
            stem,
            "sshd_config"
                | "ssh_config"
                | "haproxy"
                | "sudoers"
                | "sysctl"
                | "redis"
                | "pg_hba"
                | "Caddyfile"
        );
        match (is_schedule, is_directives) {
            (true, _) => Some(Self::Cron),
            (false, true) => Some(Self::Conf),
            (false, false) => None,
        }
    }

    fn of_suffix(suffix: &str, path: &str) -> Self {
        match suffix {
            "yaml" | "yml" | "eyaml" | "sls" => Self::Yaml,
            "json" | "json5" | "jsonc" | "jsonnet" | "libsonnet" | "hujson" => Self::Json,
            "toml" | "ini" | "properties" | "env" | "cnf" | "service" | "timer" | "desktop" | "lock" => {
                Self::Ini
            }
            "hcl" | "tf" | "tfvars" | "nomad" => Self::Hcl,
            "php" | "inc" => Self::Php,
            "pp" | "epp" => Self::Puppet,
            "xml" | "csproj" | "plist" | "pom" | "config" | "props" => Self::Xml,
            "zone" | "db" | "dns" => Self::Zone,
            "conf" | "cfg" | "vcl" | "htaccess" | "dockerfile" | "rules" => Self::Conf,
            "dblist" | "txt" | "list" | "csv" | "tsv" => Self::List,
            "md" | "rst" | "html" | "htm" | "svg" | "css" | "adoc" => Self::Prose,
            "py" | "rb" | "js" | "ts" | "go" | "rs" | "java" | "lua" | "sh" | "bash" | "c" | "h" | "cpp"
            | "pl" | "sql" | "groovy" | "kt" | "rake" | "mk" | "awk" | "jsx" | "tsx" | "less" | "scss"
            | "star" | "bzl" => Self::Code,
            "tpl" | "tmpl" | "gotmpl" => Self::Yaml,
            "erb" | "j2" | "template" => Self::Conf,
            _ => Self::of_bare_name("", path),
        }
    }

    fn of_bare_name(name: &str, path: &str) -> Self {
        if path.starts_with("zones/") || path.contains("/zones/") {
            return Self::Zone;
        }
        match name {
            "Dockerfile" | ".htaccess" | "nginx" => Self::Conf,
            "Makefile" | "Rakefile" | "Gemfile" | "Jenkinsfile" | "Vagrantfile" => Self::Code,
            "OWNERS" | "OWNERS_ALIASES" => Self::Yaml,
            "CODEOWNERS" | ".gitignore" => Self::List,
            _ => Self::Unknown,
        }
    }

    /// Whether a line, without its indentation, is only a comment.
    pub(super) fn is_comment(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match (bytes.first(), bytes.get(1)) {
            (Some(b'#'), _) => self != Self::Prose,
            (Some(b'/'), Some(b'/' | b'*')) => true,
            (Some(b'*'), None | Some(b' ' | b'/' | b'*')) => {
                matches!(self, Self::Php | Self::Code | Self::Json | Self::Hcl | Self::Conf)
            }
            (Some(b';'), _) => matches!(self, Self::Ini | Self::Zone | Self::Conf | Self::Unknown),
            (Some(b'-'), Some(b'-')) => self == Self::Code,
            (Some(b'<'), Some(b'!')) => text.starts_with("<!--"),
            (Some(b'{'), Some(b'{')) => text.starts_with("{{/*") || text.starts_with("{{- /*"),
            (Some(b'{'), Some(b'#')) => true,
            _ => false,
        }
    }

    /// Whether `name value` without a separator is a key and its value.
    pub(super) fn pairs_by_space(self) -> bool {
        self == Self::Conf
    }

    /// Whether `[name]` alone on a line opens a section.
    pub(super) fn has_sections(self) -> bool {
        matches!(self, Self::Ini | Self::Conf | Self::Unknown | Self::List)
    }

    /// Whether a value may stand on the line below its key.
    pub(super) fn has_values_below(self) -> bool {
        matches!(self, Self::Yaml | Self::Json)
    }

    /// Whether a bare word alone on a line is an element of a list.
    pub(super) fn has_items(self) -> bool {
        !matches!(self, Self::Prose | Self::Code)
    }
}

fn is_template_suffix(suffix: &str) -> bool {
    matches!(
        suffix,
        "erb"
            | "epp"
            | "j2"
            | "jinja"
            | "jinja2"
            | "tpl"
            | "tmpl"
            | "gotmpl"
            | "template"
            | "in"
            | "dist"
            | "example"
    )
}
