//! Host name, domain and network of a jail.

use crate::common::user::User;
use std::collections::BTreeSet;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_host_name_and_the_domain_are_the_spec_s() {
    let user = User::with(&["--hostname", "box-7", "--domain", "site.example"]);
    assert_eq!(user.shell("uname -n; cat /proc/sys/kernel/domainname"), "box-7\nsite.example");
    let before = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_ne!(before.trim(), "box-7");
    assert!(
        user.python("import socket\ntry: socket.sethostname('x')\nexcept PermissionError as e: print(e.errno)")
            .parse::<i32>()
            .unwrap()
            == libc::EPERM
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn none_clears_the_host_name_and_the_domain() {
    let user = User::with(&["--hostname", "none", "--domain", "none"]);
    assert_eq!(user.run(&["cat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"]).out, b"\n\n");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_network_there_is_loopback_and_it_is_up() {
    let user = User::with(&["--network", "none"]);
    assert_eq!(user.python("import socket; print(*[n for _, n in socket.if_nameindex()])"), "lo");
    let talk = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(s.getsockname())\nc.send(b'x')\nprint(s.accept()[0].recv(1))";
    assert_eq!(user.python(talk), "b'x'");
    let out = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 3)\nexcept OSError as e: print(e.errno)";
    assert_eq!(user.python(out), libc::ENETUNREACH.to_string());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn with_the_host_s_network_the_host_s_interfaces_show() {
    let user = User::with(&["--network", "host"]);
    let inside = user.python("import socket; print(*[n for _, n in socket.if_nameindex()])");
    let host: BTreeSet<String> =
        std::fs::read_dir("/sys/class/net").unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let host: BTreeSet<String> = host.into_iter().filter(|n| n != "bonding_masters").collect();
    assert_eq!(inside.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), host);
    let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listening.local_addr().unwrap().port();
    user.python(&format!("import socket; socket.create_connection(('127.0.0.1', {port}))"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_jails_without_network_do_not_reach_one_another_by_abstract_sockets_or_ports() {
    let (one, two) = (User::new(), User::new());
    let serve = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(b'\\0trampoline')\ns.listen()\nprint('ready', flush=True)\nsys.stdin.read()";
    let knock =
        "import socket\ns = socket.socket(socket.AF_UNIX)\ntry: s.connect(b'\\0trampoline')\nexcept OSError as e: print(e.errno)";
    let ready = one.in_home("ready");
    let serving = one
        .call(&[
            "python3",
            "-I",
            "-c",
            &serve.replace("print('ready', flush=True)\nsys.stdin.read()", "open('ready', 'w')\nimport time\ntime.sleep(60)"),
        ])
        .start();
    assert!(crate::common::seen::within(std::time::Duration::from_secs(10), || ready.exists()));
    assert_eq!(two.python(knock), libc::ECONNREFUSED.to_string());
    assert_eq!(one.python(knock), "", "the same jail in another session");
    serving.signal(libc::SIGTERM);
    serving.end();
}
