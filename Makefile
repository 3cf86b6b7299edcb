# trampoline: make help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.PHONY: help build trampoline check check-fast check-root clean-check demo bench bench-jailbase fuzz soak scale reproducible deny install uninstall clean programs-for-check

PREFIX ?= /usr/local
DESTDIR ?=
# Who may run the setuid program, and how it is installed: only this group, nobody else.
GROUP ?= www-data
MODE ?= 4750

OUT := target/release
# Where the shells look for what completes the words of a program.
BASH_WORDS = $(PREFIX)/share/bash-completion/completions
ZSH_WORDS = $(PREFIX)/share/zsh/site-functions
FISH_WORDS = $(PREFIX)/share/fish/vendor_completions.d
CHECK := target/check
BIN := /var/lib/trampoline-check-bin
CARGO := cargo

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

# Where it was built, and by whom, is in no program: tests/reproducible builds each again elsewhere and compares.
PLACES := --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo

# $(call setuid,TARGET_DIR,POLICY), $(call tools,TARGET_DIR,POLICY)
define setuid
	build/setuid $(1) $(2)
endef
define tools
	JAIL_POLICY=$(2) RUSTFLAGS="$(PLACES)" $(CARGO) build --release --locked --target-dir $(1) -p reaper -p jailbase
	build/completions $(1)/release
endef

build: ## the three programs, in target/release
	@mkdir -p $(OUT) && touch $(OUT)/unfinished
	$(call setuid,target,$${JAIL_POLICY:-$(CURDIR)/policy.toml})
	$(call tools,target,$${JAIL_POLICY:-$(CURDIR)/policy.toml})
	@rm $(OUT)/unfinished

check: tools-check ## everything, as root: lints, all rings of tests, the demo
	./tests/run all

check-fast: ## lints and the tests that need no root
	./tests/run fast

check-root: tools-check ## the rings that need root
	./tests/run root

demo: tools-demo ## two users, two jails, the reaper; leaves no jail, mount or process behind
	./tests/run demo

bench: tools-bench ## the figures, against the peers Debian packages
	./tests/run bench

bench-jailbase: tools-check ## the figures of images, and of 1,000 live jails seen; they go to docs/jailbase-figures.md
	./tests/run bench-jailbase

soak: tools-check ## the long forms of the tests, as root: hours; ROUNDS= of everything at once, whose figures go to docs/soak.md
	ROUNDS=$(ROUNDS) ./tests/run soak

scale: tools-demo ## what 1 to 10,000 live jails cost, or SIZES=; the figures go to docs/scale.md
	SIZES=$(SIZES) ./tests/run scale

trampoline: ## the setuid program alone, in target/release
	$(call setuid,target,$${JAIL_POLICY:-$(CURDIR)/policy.toml})

fuzz: ## SECONDS (60) of each target of libFuzzer, led by coverage; TARGETS= says which
	./tests/fuzz/run $(or $(SECONDS),60) $(TARGETS)

reproducible: ## builds everything again elsewhere, and compares
	./tests/reproducible $(CURDIR)/target/release trampoline reaper jailbase

deny: ## cargo deny: licences, bans and sources of all crates; builds cargo-deny if it is not there
	./tests/deny

# For tests/run: the programs with the tests' policy, installed as an administrator would.
programs-for-check:
	$(call setuid,$(CHECK),$(CURDIR)/tests/policy.toml)
	$(call tools,$(CHECK),$(CURDIR)/tests/policy.toml)
	install -d -m 755 $(BIN)
	install -o root -g $(GROUP) -m $(MODE) $(CHECK)/release/trampoline $(BIN)/trampoline
	install -o root -g root -m 755 $(CHECK)/release/reaper $(CHECK)/release/jailbase $(BIN)/

tools-%:
	./tests/tools $*

clean-check: ## remove what the tests, the demo and the benchmark keep outside this directory
	./tests/run clean

install uninstall: export DESTDIR := $(DESTDIR)
install uninstall: export PREFIX := $(PREFIX)
install: ## what make built, into $(DESTDIR)$(PREFIX); MODE and GROUP of the setuid program can be set
	@OUT='$(OUT)' MODE='$(MODE)' GROUP='$(GROUP)' build/place judge-install
	build/place make $(addprefix $(DESTDIR)$(PREFIX)/,share/doc/trampoline/examples bin sbin lib/systemd/system share/man/man8 share/man/man5) $(addprefix $(DESTDIR),$(BASH_WORDS) $(ZSH_WORDS) $(FISH_WORDS))
	install -m 755 $(OUT)/reaper $(OUT)/jailbase $(DESTDIR)$(PREFIX)/sbin/
	install -m $(MODE) $(if $(filter 0,$(shell id -u)),-o root -g $(GROUP)) $(OUT)/trampoline $(DESTDIR)$(PREFIX)/bin/
	umask 022; for unit in service timer; do sed 's#@PREFIX@#$(PREFIX)#g' etc/systemd/trampoline-reaper.$$unit > $(DESTDIR)$(PREFIX)/lib/systemd/system/trampoline-reaper.$$unit; done
	umask 022; sed 's#@PREFIX@#$(PREFIX)#g' etc/cron.d/trampoline-reaper > $(DESTDIR)$(PREFIX)/share/doc/trampoline/cron.example
	build/papers $(DESTDIR)$(PREFIX)/share/doc/trampoline
	umask 022; for example in $(notdir $(wildcard docs/examples/*)); do sed 's#/usr/local/bin/trampoline#$(PREFIX)/bin/trampoline#g' docs/examples/$$example > $(DESTDIR)$(PREFIX)/share/doc/trampoline/examples/$$example; done
	install -m 644 docs/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 docs/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	for program in trampoline reaper jailbase; do install -m 644 $(OUT)/completions/$$program.bash $(DESTDIR)$(BASH_WORDS)/$$program; done
	install -m 644 $(OUT)/completions/_* $(DESTDIR)$(ZSH_WORDS)/
	install -m 644 $(OUT)/completions/*.fish $(DESTDIR)$(FISH_WORDS)/

uninstall: ## removes the programs, and the directories made for them that are empty then; specs, images and homes stay
	@build/place judge-uninstall
	rm -f $(DESTDIR)$(PREFIX)/bin/trampoline $(DESTDIR)$(PREFIX)/sbin/{reaper,jailbase}
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/trampoline-reaper.{service,timer}
	rm -f $(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man8/%,$(wildcard docs/*.8)) $(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man5/%,$(wildcard docs/*.5))
	rm -f $(DESTDIR)$(BASH_WORDS)/{trampoline,reaper,jailbase} $(DESTDIR)$(ZSH_WORDS)/_{trampoline,reaper,jailbase} $(DESTDIR)$(FISH_WORDS)/{trampoline,reaper,jailbase}.fish
	build/place clear

clean:
	$(CARGO) clean
