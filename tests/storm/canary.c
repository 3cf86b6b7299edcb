/* Says where and as what it runs, in one line of "key=value;" written to the pipe "proof" beside it, and exits with 42. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;
static char line[65536];
static size_t used;

static void put(const char *format, ...) {
    va_list list;
    va_start(list, format);
    int more = vsnprintf(line + used, sizeof line - used, format, list);
    va_end(list);
    used += more;
    if (used >= sizeof line) _exit(43);
}

static void status(void) {
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    close(fd);
    text[length < 0 ? 0 : length] = 0;
    for (char *row = strtok(text, "\n"); row; row = strtok(NULL, "\n")) {
        static const char *wanted[] = {"Umask:", "Uid:", "Gid:", "Groups:", "NSpid:", "SigPnd:", "SigBlk:", "SigIgn:", "SigCgt:",
            "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "TracerPid:"};
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (!strncmp(row, wanted[i], strlen(wanted[i]))) {
                for (char *c = row; *c; c++)
                    if (*c == '\t') *c = ' ';
                char *colon = strchr(row, ':');
                *colon = 0;
                put("%s=%s;", row, colon + 2);
            }
    }
}

int main(void) {
    char path[4096], target[4096];
    put("fds=");
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0) put("%d,", fd);
    put(";");
    status();
    static const char *spaces[] = {"mnt", "pid", "net", "ipc", "uts", "user"};
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        put("%s=%s;", spaces[i], target);
    }
    put("pid1=%d;session=%d;limits=", getpid() < 20, getsid(0) == getpid());
    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        getrlimit(i, &limit);
        put("%llu:%llu,", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    }
    struct itimerval timer[3];
    for (int i = 0; i < 3; i++) getitimer(i, &timer[i]);
    put(";timers=%d;personality=%x;nice=%d;cwd=%s;environ=", timer[0].it_value.tv_sec || timer[0].it_value.tv_usec ||
        timer[1].it_value.tv_usec || timer[2].it_value.tv_usec, personality(0xffffffff), getpriority(PRIO_PROCESS, 0),
        getcwd(path, sizeof path) ? path : "?");
    for (char **one = environ; *one; one++) put("%.*s,", (int)strcspn(*one, "="), *one);
    struct stat root;
    stat("/", &root);
    put(";root=%llx:%llx;shadow=%d\n", (unsigned long long)root.st_dev, (unsigned long long)root.st_ino, access("/etc/shadow", F_OK) == 0);

    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
    path[length < 0 ? 0 : length] = 0;
    strcpy(strrchr(path, '/') + 1, "proof");
    int fd = open(path, O_WRONLY);
    return fd >= 0 && write(fd, line, used) == (ssize_t)used ? 42 : 43;
}
