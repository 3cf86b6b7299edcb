//! The cellar: turns `policy.toml` into constants and the seccomp program into a static, before the house exists.
//! Strict: whatever is odd in the policy stops the build, because nobody reads it again at run time.

#[path = "build/policy.rs"]
mod policy;
#[path = "build/seccomp.rs"]
mod seccomp;

use std::path::PathBuf;

fn main() -> std::process::ExitCode {
    match compile() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={}", why.replace('\n', " | "));
            std::process::ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=JAIL_POLICY");
    println!("cargo::rerun-if-changed=build");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let file = std::env::var_os("JAIL_POLICY").map_or_else(|| root.join("policy.toml"), PathBuf::from);
    println!("cargo::rerun-if-changed={}", file.display());

    let text = std::fs::read_to_string(&file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let policy = policy::read(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    let arch = variable("CARGO_CFG_TARGET_ARCH")?;
    let web = statics("WEB", &seccomp::program(&arch, seccomp::Profile::Web)?);
    let dev = statics("DEV", &seccomp::program(&arch, seccomp::Profile::Dev)?);

    let out = PathBuf::from(variable("OUT_DIR")?);
    write(&out.join("policy.rs"), &policy.constants())?;
    write(&out.join("seccomp.rs"), &(web + &dev))
}

fn statics(name: &str, program: &[seccomp::Insn]) -> String {
    let mut text = format!("static {name}: [sock_filter; {}] = [\n", program.len());
    for seccomp::Insn { code, jt, jf, k } in program {
        text += &format!("    sock_filter {{ code: {code}, jt: {jt}, jf: {jf}, k: {k} }},\n");
    }
    text + "];\n"
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|e| format!("{name}: {e}"))
}

fn write(path: &std::path::Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}
