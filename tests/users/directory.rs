//! A directory of accounts: a real slapd, an nslcd that asks it, and a machine whose name services ask that one. Both run as long
//! as a line of shell on that machine does; what the directory holds is on its disk.
//!
//! The programs are Debian's, unpacked below `target/ldap` by tests/tools. They listen on sockets in the machine's own `/run`.

use crate::world::World;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Where the directory answers.
const URI: &str = "ldapi://%2frun%2fldapi";
/// Who may write it, and with what.
pub const WRITER: &str = "-x -D cn=root,dc=check -w secret";

/// The group, its number, and the primary group of nearly everybody.
pub const GROUP: (&str, u32) = ("pupils", 28_900);
pub const PRIMARY: u32 = 28_800;

/// One machine with a directory.
pub struct Directory {
    pub world: World,
}

/// The number of the account `p0`; the others follow.
pub const FIRST: u32 = 28_000;

impl Directory {
    /// A machine whose directory has so many people, `p0` and on, and of these so many members of the group.
    pub fn new(name: &str, people: u32, members: u32) -> Self {
        let mut world = World::new(name);
        let dir = world.dir.join("ldap");
        let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/target/ldap");
        assert!(fs::exists(programs).unwrap(), "{programs} is not there: tests/tools check unpacks it");
        for part in ["", "etc", "database"] {
            fs::create_dir(dir.join(part)).unwrap();
        }
        let shown = dir.display();
        let schemas = ["core", "cosine", "nis"].map(|name| format!("include {programs}/etc/ldap/schema/{name}.schema\n"));
        let database = format!(
            "modulepath {programs}/usr/lib/ldap\nmoduleload back_mdb\npidfile /run/slapd.pid\nsizelimit unlimited\ndatabase mdb\n\
             suffix dc=check\nrootdn cn=root,dc=check\nrootpw secret\ndirectory {shown}/database\ndbnosync\n\
             index objectClass,cn,uid,memberUid,uidNumber,gidNumber eq\n"
        );
        fs::write(dir.join("slapd.conf"), schemas.concat() + &database).unwrap();
        fs::write(dir.join("etc/nsswitch.conf"), "passwd: files ldap\ngroup: files ldap\n").unwrap();
        fs::write(dir.join("people.ldif"), entries(people, members)).unwrap();
        let cache = format!(
            "[ ! -d /var/cache/ldconfig ] || mount -t tmpfs none /var/cache/ldconfig\n\
             ldconfig -X -C {shown}/ld.so.cache $(find {programs} -type d -name '*-linux-gnu')\n\
             mount --bind {shown}/ld.so.cache /etc/ld.so.cache\n\
             {programs}/usr/sbin/slapadd -q -f {shown}/slapd.conf -l {shown}/people.ldif"
        );
        world.first = cache;
        world.shell("").well();
        world.first = format!(
            "mount -t tmpfs -o mode=755 none /run; mkdir /run/nslcd\n\
             mount -t overlay -o lowerdir={shown}/etc:/etc none /etc; mount --bind {shown}/ld.so.cache /etc/ld.so.cache\n\
             {programs}/usr/sbin/slapd -h {URI} -f {shown}/slapd.conf\n{programs}/usr/sbin/nslcd\n\
             gone() {{ pid=$(cat $1); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.02; done; }}\n\
             change() {{ {programs}/usr/bin/ldapmodify -H {URI} {WRITER} > /dev/null; }}\n"
        );
        let machine = Self { world };
        machine.asked_with("");
        machine
    }

    /// From now on it is asked in this way too, as nslcd.conf(5) has it.
    pub fn asked_with(&self, lines: &str) {
        let path = self.world.dir.join("ldap/etc/nslcd.conf");
        let usual = "base dc=check\ntimelimit 2\nbind_timelimit 2\nreconnect_sleeptime 1\nreconnect_retrytime 1\n";
        fs::write(&path, format!("uri {URI}\n{usual}{lines}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A line of shell after which the directory goes away when somebody lists the accounts, before he is answered.
    pub fn goes_when_accounts_are_listed(&self) -> String {
        let dir = self.world.dir.join("ldap");
        let (own, shown) = (dir.join("leaving"), dir.display());
        fs::copy("/usr/bin/getent", dir.join("getent")).unwrap();
        let text = format!(
            "#!/bin/sh\nkill $(cat /run/slapd.pid)\nwhile [ -e /run/slapd.pid ]; do sleep 0.02; done\nexec {shown}/getent \"$@\"\n"
        );
        fs::write(&own, text).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        format!("mount --bind {} /usr/bin/getent", own.display())
    }

    /// Changes the group: the change of ldapmodify(1), and the name of a member.
    #[track_caller]
    pub fn change(&self, changes: &[(&str, &str)]) {
        let lines = changes.iter().map(|(how, name)| format!("{how}: memberUid\nmemberUid: {name}\n-\n")).collect::<String>();
        self.world.shell(&format!("change <<'END'\ndn: cn={},dc=check\nchangetype: modify\n{lines}END", GROUP.0)).well();
    }
}

/// What it holds: people whose shells differ, their primary group, the group, and another for every third of them.
fn entries(people: u32, members: u32) -> String {
    let mut text = "dn: dc=check\nobjectClass: domain\ndc: check\n".to_owned();
    for number in 0..people {
        let (uid, shell) = (FIRST + number, shell(number));
        write!(
            text,
            "\ndn: uid=p{number},dc=check\nobjectClass: account\nobjectClass: posixAccount\nuid: p{number}\ncn: Pupil {number}\n\
             gecos: Pupil {number}\nuidNumber: {uid}\ngidNumber: {PRIMARY}\nhomeDirectory: /home/p{number}\nloginShell: {shell}\n"
        )
        .unwrap();
    }
    let group = |name: &str, gid: u32, members: &mut dyn Iterator<Item = u32>| {
        let lines: String = members.map(|number| format!("memberUid: p{number}\n")).collect();
        format!("\ndn: cn={name},dc=check\nobjectClass: posixGroup\ncn: {name}\ngidNumber: {gid}\n{lines}")
    };
    text += &group("people", PRIMARY, &mut std::iter::empty());
    text += &group(GROUP.0, GROUP.1, &mut (0..members));
    text + &group("chess", GROUP.1 + 1, &mut (0..people).step_by(3))
}

/// The shell of a person.
pub fn shell(number: u32) -> &'static str {
    if number.is_multiple_of(2) { "/bin/bash" } else { "/bin/sh" }
}
