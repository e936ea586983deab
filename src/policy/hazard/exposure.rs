//! Rules about who is let in.

use crate::change::KeyChangeKind;
use crate::policy::hazard::around::Left;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::words::spaced;
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "wildcard",
        Sphere::Everywhere,
        wildcard,
        [
            "A wildcard enters a list of what is allowed",
            "`allowed_origins` now with `*`, or an ingress with `0.0.0.0/0`",
        ],
    )
    .with_code(ReasonCode::HazardWildcard),
    edit_rule(
        "cidr_widened",
        Sphere::Everywhere,
        cidr_widened,
        [
            "An address range that is let in grows 256-fold or more",
            "`allow_from: 10.64.32.0/24` → `10.0.0.0/8`",
        ],
    ),
    edit_rule(
        "firewall_off",
        Sphere::Everywhere,
        firewall_off,
        [
            "A firewall or a mandatory access control is switched off or made to let through",
            "`firewall::enable: true` → `false`",
        ],
    ),
    edit_rule(
        "public_access",
        Sphere::Everywhere,
        public_access,
        ["Something private becomes readable from everywhere", "`acl = \"private\"` → `\"public-read\"`"],
    ),
];

const LETS_IN: &[&str] = &[
    "allow", "allowed", "allows", "allowlist", "whitelist", "whitelisted", "origin", "origins", "cidr",
    "cidrs", "ingress", "principal", "principals", "action", "actions", "notaction", "resource", "resources",
    "verbs", "trusted", "permit", "permitted", "source", "sources", "source ranges", "from", "access", "acl",
    "srange", "networks", "authorized", "federated", "role", "roles", "apigroups", "api groups", "exposure",
    "groups", "transfer", "domains", "destinations", "source repos", "source namespaces", "identifiers",
    "members", "recursion", "query",
];

const LETS_OUT: &[&str] =
    &["egress", "except", "exclude", "ignore", "destination", "route", "routes", "listen", "bind", "to"];

/// Names of lists of what is refused, whatever is in them.
const REFUSED: &[&str] = &[
    "deny", "denied", "denylist", "blocked", "blacklist", "blacklisted", "blocklist", "disallow",
    "disallowed", "forbidden", "exclude", "excluded", "except", "rejected",
];

fn wildcard(edit: &Edit<'_>) -> bool {
    let comes = matches!(
        edit.key_change.kind,
        KeyChangeKind::ListAdd | KeyChangeKind::Added | KeyChangeKind::Text | KeyChangeKind::Host
    );
    leaves_rule_for_all(edit)
        || comes
            && (is_any_origin(edit)
                || is_any_prefix(edit)
                || is_world(edit)
                || is_any_of_prefix(edit)
                || selects_all(edit)
                || lets_in_everything(edit)
                || is_any_name(edit))
}

/// Of a peer that goes, the rule around it may stay: then it is for everybody.
fn leaves_rule_for_all(edit: &Edit<'_>) -> bool {
    matches!(edit.key_change.leaf.as_str(), "from" | "to")
        && matches!(edit.key_change.parent(), "ingress" | "egress")
        && edit.is_dropped()
        && edit.leaves_open_rule()
}

/// Whether whoever asks is told that his origin is welcome, or any host of one: `https://*.example.com`.
fn is_any_origin(edit: &Edit<'_>) -> bool {
    let echoes = || {
        edit.gains(&["$http_origin"])
            && (!edit.old.is_empty() || edit.key_change.leaf == "default" && edit.key_change.old.is_some())
    };
    let speaks =
        || edit.path_says(&["origin", "origins", "redirect", "cors"]) || edit.new.has_any(&["origin"]);
    echoes() || edit.gains(&["://*.", "://*/", "://*\"", "://.*"]) && speaks()
}

/// An empty text is the beginning of every other.
fn is_any_prefix(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::ListAdd
        && matches!(edit.new.as_ref(), "" | "\"\"" | "''")
        && matches!(edit.line.trimmed().trim_end_matches(','), "- \"\"" | "- ''" | "\"\"" | "''")
        && ["allow", "whitelist", "trusted"].iter().any(|word| edit.file_diff.path().contains(word))
}

/// Groups of peers that hold everybody.
fn is_world(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::ListAdd
        && matches!(edit.new.as_ref(), "world" | "all")
        && matches!(edit.key_change.leaf.as_str(), "toEntities" | "fromEntities")
}

/// Whoever begins alike: `repo:shop/infra:ref:refs/heads/main` → `repo:shop/*`.
fn is_any_of_prefix(edit: &Edit<'_>) -> bool {
    const ASSUMES: &[&str] = &["StringLike", ":sub", "AssumeRole", "assume_role"];
    fn bare(value: &str) -> &str {
        value.trim_matches(['[', ']', '"', '\'', ' '])
    }
    let new = bare(&edit.new);
    let prefix = new.strip_suffix('*').filter(|prefix| prefix.ends_with(['/', ':']) && prefix.len() > 2);
    let is_wider = |prefix: &str| {
        let old = |old: &str| bare(old).strip_prefix(prefix).is_some_and(|rest| !rest.contains('*'));
        edit.replaced().any(old)
    };
    let stands_near = || *edit.line.is_of_role.get_or_init(|| edit.stands_near(ASSUMES));
    prefix.is_some_and(is_wider) && (edit.path_says(LETS_IN) || stands_near()) && !edit.is_denied()
}

/// Whether a network policy lets in every pod or every namespace: `podSelector: {}`.
fn selects_all(edit: &Edit<'_>) -> bool {
    edit.becomes(&["{}"])
        && edit.leaf_says(&["pod selector", "namespace selector"])
        && edit.path_says(LETS_IN)
}

/// Whether all addresses, everybody or everything is let in; not where something is refused or goes out.
fn lets_in_everything(edit: &Edit<'_>) -> bool {
    (is_any_address(edit) || is_anything(edit) || is_any_of_block(edit) || is_any_action(edit))
        && !lets_out(edit)
}

/// Whether a range of addresses holds all of them: `0.0.0.0/0`.
fn is_any_address(edit: &Edit<'_>) -> bool {
    let bare = edit.new.trim_matches(['[', ']', '"', '\'', ' ', ',', '{', '}']);
    edit.gains(&["0.0.0.0/0", "::/0", "permit tcp any any", "permit ip any any"])
        // Two halves of all addresses are all.
        || matches!(bare, "0.0.0.0/1" | "128.0.0.0/1")
        || edit.becomes(&["internet"]) && edit.leaf_says(&["source address prefix"])
}

/// Whether a star, or a word for it, comes where something is let in; not as what a new statement is about.
fn is_anything(edit: &Edit<'_>) -> bool {
    let is_all = |value: &Value<'_>| is_star(value) || (*value == "all" && edit.key_change.leaf == "allow");
    is_all(&edit.new)
        && !is_all(&edit.old)
        && !is_of_new_statement(edit)
        && (edit.path_says(LETS_IN) || edit.line_begins_with(LETS_IN))
}

/// Whether a value is a pattern for everything, or says everybody.
fn is_star(value: &Value<'_>) -> bool {
    const STARS: &[&str] =
        &["*", "*:*", ".*", "^.*$", ".+", "^.+$", "**", "%", "any", "everyone", "anyone", "all users"];
    value.has_any(STARS) && STARS.contains(&value.trim_matches(['[', ']', '"', '\'', ' ', '{', '}', ';']))
}

/// Whether an edit says what a new statement of a policy of Amazon is about. Much of what reads cannot be about less than
/// everything; what it may do says how far it goes.
fn is_of_new_statement(edit: &Edit<'_>) -> bool {
    const ABOUT: [&str; 3] = ["resource", "resources", "Resource"];
    const MAY: [&str; 3] = ["actions", "Action", "action"];
    edit.replaced().all(str::is_empty)
        && ABOUT.contains(&edit.key_change.leaf.as_str())
        && MAY.iter().any(|leaf| edit.comes_elsewhere(leaf))
}

/// `allow-transfer { any; };`
fn is_any_of_block(edit: &Edit<'_>) -> bool {
    edit.gains(&["{ any; }"]) && edit.line_begins_with(LETS_IN)
}

/// Whether somebody may do everything that a service can.
fn is_any_action(edit: &Edit<'_>) -> bool {
    const ACTIONS: &[&str] = &["action", "actions", "verbs", "permissions", "values"];
    is_any_of_service(&edit.new)
        && !is_any_of_service(&edit.old)
        && !is_of_own_key(edit)
        && edit.path_says(ACTIONS)
}

/// `s3:*` or `"iam:*"`: everything that a service can do.
fn is_any_of_service(value: &Value<'_>) -> bool {
    if !value.has_any(&[":*"]) {
        return false;
    }
    let name = value.trim_matches(['[', ']', '"', '\'', ' ']).strip_suffix(":*").unwrap_or("");
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a new key is given to those who own it, as each of its policies must.
fn is_of_own_key(edit: &Edit<'_>) -> bool {
    edit.new.has_any(&["kms:*"]) && edit.replaced().all(str::is_empty)
}

/// Whether the list is one of what is refused or where something goes. A block of addresses is no refusal, and a
/// route's origins are those of who may ask.
fn lets_out(edit: &Edit<'_>) -> bool {
    if edit.is_denied() {
        return true;
    }
    let is_block = || {
        edit.path_says(&["block", "blocks"])
            && !edit.path_says(&["ip block", "cidr block", "cidr blocks", "ip blocks"])
    };
    let asks = || edit.path_says(&["cors", "origin", "origins"]);
    if edit.path_says(REFUSED) && !edit.leaf_says(&["not", "unless", "allow", "allowed"]) {
        return true;
    }
    (edit.path_says(LETS_OUT) || is_block()) && !asks()
}

/// A name with a star answers for every name that nobody wrote down.
fn is_any_name(edit: &Edit<'_>) -> bool {
    edit.new.starts_with("*.")
        && !edit.old.is_empty()
        && !edit.old.starts_with('*')
        && edit.leaf_says(&["name", "record"])
        && speaks_of_names(edit.file_diff.path())
}

/// Whether a file is about the names of a zone.
fn speaks_of_names(path: &str) -> bool {
    ["dns", "zone", "route53", "records"].iter().any(|word| path.contains(word))
}

fn cidr_widened(edit: &Edit<'_>) -> bool {
    if !edit.new.has_any(&["/"]) {
        return false;
    }
    let Some(new) = Range::read(&edit.new).filter(|range| range.bits > 0) else { return false };
    let of = |is_v6: bool, old: &str| Range::read(old).filter(|range| range.is_v6 == is_v6);
    let of_left = |left: &Left<'_>| {
        let most =
            |is_v6| left.elements.iter().filter_map(|old| of(is_v6, old)).map(|range| range.bits).max();
        *left.most_bits.get_or_init(|| [most(false), most(true)])
    };
    let of_old = || [false, true].map(|is_v6| of(is_v6, &edit.old).map(|range| range.bits));
    let [v4, v6] = match edit.key_change.kind {
        KeyChangeKind::ListAdd => edit.left().map(of_left).unwrap_or_default(),
        _ => of_old(),
    };
    let (same, other) = if new.is_v6 { (v6, v4) } else { (v4, v6) };
    let is_wider = match same {
        Some(old) => new.bits + 8 <= old,
        // Ranges of the two versions cannot be compared: one that is a good part of all addresses is wider than any.
        None => other.is_some() && new.bits < if new.is_v6 { 32 } else { 8 },
    };
    is_wider && !lets_out(edit) && !is_of_own_network(edit)
}

/// Whether a range is that of a network itself, which lets nobody in. A name of one (`vpc_cidr`) may be used to let in.
fn is_of_own_network(edit: &Edit<'_>) -> bool {
    const NETWORKS: &[&str] =
        &["aws vpc", "aws subnet", "address space", "ip cidr range", "cluster network", "service network"];
    const LETS: &[&str] = &[
        "allow", "allowed", "trusted", "ingress", "whitelist", "allowlist", "authorized", "source",
        "sources", "from", "permit", "permitted",
    ];
    edit.path_says(NETWORKS) && !edit.path_says(LETS)
}

/// An address range.
struct Range {
    /// Length of its prefix.
    bits: u8,
    is_v6: bool,
}

impl Range {
    fn read(value: &str) -> Option<Self> {
        let value = value.trim_matches(['[', ']', '"', '\'', ' ']);
        let (address, bits) = value.split_once('/')?;
        let is_v4 =
            address.split('.').count() == 4 && address.split('.').all(|part| part.parse::<u8>().is_ok());
        let is_v6 = address.contains(':') && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        let bits: u8 = bits.parse().ok()?;
        ((is_v4 && bits <= 32) || (is_v6 && bits <= 128)).then_some(Self { bits, is_v6 })
    }
}

fn firewall_off(edit: &Edit<'_>) -> bool {
    const WALLS: &[&str] = &[
        "firewall", "firewalld", "ferm", "iptables", "nftables", "ufw", "waf", "selinux", "apparmor",
        "network policy", "network policies", "netpol", "mod security", "modsecurity", "fail ban",
    ];
    edit.turned_off(WALLS)
        || (edit.becomes(&["permissive", "disabled"]) && edit.path_says(&["selinux"]))
        || (edit.becomes(&["accept"])
            && matches!(edit.old.as_ref(), "drop" | "reject" | "deny")
            && edit.path_says(&["policy", "default", "input", "forward"]))
        || (edit.becomes(&["allow"]) && edit.old == "deny" && edit.leaf_says(&["effect", "action"]))
        || lets_anybody(edit)
        || allows_by_default(edit)
        || refuses_no_more(edit)
        || (edit.numbers().is_some_and(|(old, new)| new == 65_535.0 && old < new)
            && edit.leaf_says(&["to port"]))
        || (edit.is_dropped() && edit.key_change.leaf == "deny" && edit.old == "all")
        || (edit.is_dropped() && edit.key_change.leaf == "http-request" && edit.old.starts_with("deny"))
        || (edit.becomes(&["-1", "all"])
            && matches!(edit.old.as_ref(), "tcp" | "udp" | "6" | "17")
            && edit.leaf_says(&["protocol"]))
        || (edit.is_dropped() && edit.leaf_says(&["network policy", "firewall"]))
}

/// A line of iptables that accepts, and no longer from somewhere only.
fn lets_anybody(edit: &Edit<'_>) -> bool {
    const BOUNDS: &[&str] = &[" -s ", " --source ", " -i ", " saddr "];
    let accepts = |line: &str| line.ends_with("accept");
    accepts(&edit.old) && accepts(&edit.new) && edit.old.has_any(BOUNDS) && !edit.new.has_any(BOUNDS)
}

/// What no rule of a policy speaks of is allowed: `default allow := false` → `true`.
fn allows_by_default(edit: &Edit<'_>) -> bool {
    let is_default = |value: &Value<'_>, side| value.starts_with("default allow") && value.ends_with(side);
    is_default(&edit.old, "false") && is_default(&edit.new, "true")
}

/// A line that refused and went, and nothing like it came.
fn refuses_no_more(edit: &Edit<'_>) -> bool {
    const REFUSES: &[&str] = &["deny all", "-j drop", "-j reject", "pam_deny", "pam_faillock"];
    // `ProxyPass /admin !` keeps a path from being passed on.
    let keeps_in = || {
        edit.key_change.leaf.starts_with("ProxyPass")
            && edit.key_change.kind == KeyChangeKind::Removed
            && edit.old.ends_with(" !")
    };
    edit.old.has_any(REFUSES) && edit.is_dropped() || keeps_in()
}

fn public_access(edit: &Edit<'_>) -> bool {
    is_shared(edit)
        || listens_to_all(edit)
        || publishes(edit)
        || is_exposed(edit)
        || is_of_public_side(edit)
        || is_for_all(edit)
        || lists_files(edit)
        || is_granted_to_all(edit)
        || unblocks(edit)
        || is_made_public(edit)
        || names_everybody(edit)
}

/// `acl = "private"` → `"public-read"`
fn is_shared(edit: &Edit<'_>) -> bool {
    edit.becomes(&[
        "public-read", "public-read-write", "authenticated-read", "public", "internet-facing", "publicread",
    ]) && edit.leaf_says(&["acl", "visibility", "access", "scheme", "privacy"])
        && !edit.leaf_says(&["access type"])
}

/// Whether a server that one machine or one network reached is reached from anywhere: `127.0.0.1` → `0.0.0.0`.
fn listens_to_all(edit: &Edit<'_>) -> bool {
    const LISTENS: &[&str] =
        &["bind", "listen", "host", "address", "addresses", "ports", "publish", "server"];
    is_port_alone(edit)
        || listens_everywhere(&edit.new)
            && (edit.new != "*" && edit.replaces(|left| &left.is_own, is_own)
                || edit.leaf_says(LISTENS) && edit.replaces(|left| &left.is_somewhere, listens_somewhere))
}

/// Whether of an address of the machine itself only the port is left: `127.0.0.1:6379` → `6379`.
fn is_port_alone(edit: &Edit<'_>) -> bool {
    let is_port = (2..=5).contains(&edit.new.len()) && edit.new.bytes().all(|byte| byte.is_ascii_digit());
    is_port
        && edit.old.rsplit_once(':').is_some_and(|(_, port)| port == edit.new.as_ref())
        && is_own(&edit.old)
}

/// Whether a server of this address is reached from anywhere.
fn listens_everywhere(value: &str) -> bool {
    let is_port = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    matches!(value, "0.0.0.0" | "*" | "::" | "[::]")
        || ["0.0.0.0:", "*:", "[::]:"].iter().any(|any| value.starts_with(any))
        || value.strip_prefix(':').is_some_and(is_port)
}

/// Whether only the machine itself reaches a server of this address.
fn is_own(value: &str) -> bool {
    let host = value.rsplit_once(':').map_or(value, |(host, _)| host);
    matches!(value, "::1" | "[::1]") || matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// Whether an address is that of one machine or of one of its cards.
fn listens_somewhere(value: &str) -> bool {
    let is_v4 =
        |host: &str| host.split('.').count() == 4 && host.split('.').all(|part| part.parse::<u8>().is_ok());
    let host = value.split(':').next().unwrap_or("");
    !listens_everywhere(value)
        && (value == "::1" || value.starts_with("[::1]") || host == "localhost" || is_v4(host))
}

/// Whether a container's port leaves the machine itself: `127.0.0.1:8080:80` → `8080:80` in a list.
fn publishes(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::ListAdd
        && edit.left_list().iter().take(8).any(|old| {
            let rest = old.strip_prefix("127.0.0.1:").or_else(|| old.strip_prefix("localhost:"));
            rest == Some(edit.new.as_ref())
        })
}

/// Whether a service of the cluster is reached from outside: `type: ClusterIP` → `LoadBalancer`.
fn is_exposed(edit: &Edit<'_>) -> bool {
    edit.becomes(&["loadbalancer", "nodeport"]) && edit.old == "clusterip"
        || edit.flipped() == Some(false) && edit.key_change.leaf == "internal"
}

/// Whether a name is that of the side everybody reaches, and was the same of the other one: `nginx-private` → `nginx-public`.
fn is_of_public_side(edit: &Edit<'_>) -> bool {
    const INSIDE: &[&str] = &["private", "internal", "intranet"];
    const OUTSIDE: &[&str] = &["public", "external", "internet"];
    let is_name = |value: &Value<'_>| !value.contains([' ', '/', ',']) && value.len() < 80;
    if !edit.new.has_any(OUTSIDE) || !edit.old.has_any(INSIDE) || !is_name(&edit.old) || !is_name(&edit.new) {
        return false;
    }
    let (old, new) = (spaced(&edit.old), spaced(&edit.new));
    let moves_out = |inside: &&str| {
        let inside = format!(" {inside} ");
        old.contains(&inside)
            && OUTSIDE.iter().any(|outside| old.replace(&inside, &format!(" {outside} ")) == new)
    };
    INSIDE.iter().any(moves_out)
}

/// Whether what was for some is for all: `audience: staff` → `everyone`.
fn is_for_all(edit: &Edit<'_>) -> bool {
    edit.becomes(&["all", "everyone", "public", "global"])
        && !edit.old.is_empty()
        && edit.leaf_says(&["audience", "allow override", "scope", "exposed to", "cohort"])
}

/// Whether a web server shows what files there are: `autoindex on`, `Options +Indexes`.
fn lists_files(edit: &Edit<'_>) -> bool {
    (edit.set_to() == Some(true) && edit.leaf_says(&["autoindex"])) || edit.gains(&["+indexes"])
}

/// `Require all granted`
fn is_granted_to_all(edit: &Edit<'_>) -> bool {
    edit.new == "all granted" && edit.leaf_says(&["require"])
}

/// What keeps a bucket from being public.
const BLOCKS: &[&str] = &[
    "block public acls",
    "block public policy",
    "restrict public buckets",
    "ignore public acls",
    "public access prevention",
];

/// Whether it is switched off.
fn unblocks(edit: &Edit<'_>) -> bool {
    edit.turned_off(BLOCKS)
        || edit.flipped() == Some(false) && edit.leaf_says(&["block public acls", "ignore public acls"])
}

/// `publicly_accessible: false` → `true`
fn is_made_public(edit: &Edit<'_>) -> bool {
    const PUBLIC: &[&str] = &["public", "publicly accessible", "public access", "allow public", "is public"];
    edit.turned_on(PUBLIC) && !edit.leaf_says(&["block", "ip", "key"]) && !edit.leaf_says(BLOCKS)
}

/// Whether a group that holds everybody is named, and not as a part of a path or an address.
fn names_everybody(edit: &Edit<'_>) -> bool {
    edit.gains_word(&[
        "allusers", "allauthenticatedusers", "system:anonymous", "system:unauthenticated", "all-staff",
        "all-employees", "all-users",
    ]) && !edit.new.contains(['/', '@'])
}
