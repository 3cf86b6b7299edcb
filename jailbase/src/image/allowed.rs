//! What of the host's `/etc` an image may hold. What is not named here is not there: no shadow, no host key, no machine-id, no
//! service's configuration.

use jail::image::SHOWABLE;

/// Names of `/etc` that programs need to run, look up the world, and draw letters. A `*` at the end stands for any rest.
const WANTED: &[&str] = &[
    // the loader and the choice of programs
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "ld-musl-*",
    "alternatives",
    // the machine's name for itself
    "debian_version",
    "os-release",
    "lsb-release",
    "redhat-release",
    "system-release",
    // network names and certificates
    "hosts",
    "host.conf",
    "networks",
    "protocols",
    "services",
    "rpc",
    "ethertypes",
    "gai.conf",
    "netconfig",
    "resolv.conf",
    "ssl",
    "pki",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "gnutls",
    "libnl-3",
    // time, language, terminals
    "localtime",
    "timezone",
    "locale.alias",
    "locale.conf",
    "locale.gen",
    "terminfo",
    "inputrc",
    "papersize",
    // shells and editors
    "shells",
    "profile",
    "profile.d",
    "bash.bashrc",
    "bash_completion.d",
    "zsh",
    "login.defs",
    "manpath.config",
    "groff",
    "nanorc",
    "vim",
    "emacs",
    // types of files, letters, pictures
    "magic",
    "magic.mime",
    "mime.types",
    "mailcap",
    "fonts",
    "xdg",
    "xml",
    "sgml",
    "glvnd",
    "ImageMagick-*",
    "texmf",
    // languages
    "python*",
    "perl",
    "java*",
    "php",
    "ruby*",
    "R",
    "gdb",
    "xattr.conf",
];

/// Never taken, wherever below `/etc` it lies: private keys have names by which one knows them.
const NEVER: &[&str] =
    &["private", "*.key", "*_key", "*.p12", "*.pfx", "*shadow", "*shadow-", "sudoers*", "machine-id", "*.dpkg-old", "*~"];

/// Whether a file holds a private key, whatever it is called.
pub fn holds_private_key(bytes: &[u8]) -> bool {
    let mark = b"PRIVATE KEY-----";
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// Whether this name of `/etc` is taken.
pub fn wanted(name: &str) -> bool {
    matches(WANTED, name)
}

/// Whether this name is never taken, at any depth.
pub fn never(name: &str) -> bool {
    matches(NEVER, name)
}

/// Whether a name is one of these; a `*` at either end of one stands for any rest.
fn matches(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        _ => *pattern == name,
    })
}

/// Whether a link leads to something that a jail shows as the host does: relative, or into `/etc` or a shown directory.
pub fn stays(text: &str) -> bool {
    let Some(absolute) = text.strip_prefix('/') else { return true };
    let first = absolute.split('/').next().unwrap_or_default();
    first == "etc" || SHOWABLE.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_a_secret_is_wanted() {
        for secret in [
            "shadow",
            "shadow-",
            "gshadow",
            "passwd",
            "passwd-",
            "group",
            "sudoers",
            "sudoers.d",
            "ssh",
            "machine-id",
            "krb5.keytab",
            "fstab",
            "crontab",
            "cron.d",
            "mysql",
            "postgresql",
            "apache2",
            "hostname",
            "npmrc",
            "pip.conf",
            "gitconfig",
            "environment",
            "subuid",
            "security",
            "pam.d",
            "wgetrc",
            "nsswitch.conf",
            "mtab",
            "systemd",
            "default",
        ] {
            assert!(!wanted(secret), "{secret}");
        }
        for key in ["private", "server.key", "ssh_host_rsa_key", "id.p12", "gshadow-", "machine-id"] {
            assert!(never(key), "{key}");
        }
        for need in ["ssl", "python3", "python3.11", "java-17-openjdk", "alternatives", "ld.so.cache", "resolv.conf"] {
            assert!(wanted(need) && !never(need), "{need}");
        }
    }

    #[test]
    fn a_private_key_is_known_by_its_text() {
        assert!(holds_private_key(b"x\n-----BEGIN RSA PRIVATE KEY-----\nMII"));
        assert!(holds_private_key(b"-----BEGIN PRIVATE KEY-----"));
        assert!(!holds_private_key(b"-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn a_link_stays_where_a_jail_can_follow_it() {
        for good in ["gcc-12", "../usr/lib/os-release", "/usr/bin/vim", "/etc/alternatives/java", "/opt/x/bin/x", "/bin/mawk"] {
            assert!(stays(good), "{good}");
        }
        for bad in ["/var/lib/x", "/run/systemd/resolve/stub-resolv.conf", "/home/a", "/"] {
            assert!(!stays(bad), "{bad}");
        }
    }
}
