/* sandbox.c: see sandbox.h. */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* fcntl commands and ioctl requests by number: seccomp compares raw values. */
#define REQ_FIONBIO 0x5421
#define REQ_FIONREAD 0x541b
#define REQ_FIOCLEX 0x5451
#define CMD_GET_SEALS 1034
#define CMD_ADD_SEALS 1033

/* Every role: messages, memory, clocks, exit. */
static const int base_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(restart_syscall),
	SCMP_SYS(tgkill), SCMP_SYS(poll), SCMP_SYS(ppoll),
};

/* Roles with a network loop; sockets are made before, only accepted after. */
static const int loop_calls[] = {
	SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl), SCMP_SYS(memfd_create), SCMP_SYS(ftruncate),
	SCMP_SYS(getrusage), SCMP_SYS(sched_yield),
};

/* Outbound makes connections, to the internet only: libraries that ask for another kind of
 * socket (netlink) are told that there is none. Syslog's and the journal's sockets are made
 * before. */
static int
socket_rules(scmp_filter_ctx f)
{
	static const uint64_t inet[] = {2 /* AF_INET */, 10 /* AF_INET6 */};
	int e = 0;

	for (size_t i = 0; i < sizeof inet / sizeof inet[0]; i++)
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				      (struct scmp_arg_cmp){0, SCMP_CMP_EQ, inet[i], 0});
	for (uint64_t domain = 0; domain <= 45 /* AF_MAX */; domain++)
		if (domain != inet[0] && domain != inet[1])
			e |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
					      (struct scmp_arg_cmp){0, SCMP_CMP_EQ, domain, 0});
	e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
	return e;
}

#ifdef ASSAY_ASAN
/* What the sanitizer itself needs to work and to report. */
static const int asan_calls[] = {
	SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(sigaltstack), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(readlink),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(prctl), SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit), SCMP_SYS(process_vm_readv), SCMP_SYS(clone), SCMP_SYS(clone3),
	SCMP_SYS(wait4), SCMP_SYS(ptrace), SCMP_SYS(getppid), SCMP_SYS(dup2), SCMP_SYS(pipe2),
	SCMP_SYS(arch_prctl), SCMP_SYS(getdents64),
};
#endif

static int
allow_list(scmp_filter_ctx f, const int *calls, size_t n)
{
	int e = 0;

	for (size_t i = 0; i < n; i++)
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	return e;
}

#define ALLOW_LIST(f, list) allow_list((f), (list), sizeof(list) / sizeof((list)[0]))

/* An argument that must have this value, or none of these bits. */
static struct scmp_arg_cmp
argument(unsigned n, enum scmp_compare how, uint64_t a)
{
	return (struct scmp_arg_cmp){.arg = n, .op = how, .datum_a = a, .datum_b = 0};
}

static int
allow_fcntl(scmp_filter_ctx f, uint64_t cmd)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				argument(1, SCMP_CMP_EQ, cmd));
}

static int
allow_ioctl(scmp_filter_ctx f, uint64_t request)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				argument(1, SCMP_CMP_EQ, request));
}

/* Opening files fails rather than kills: libraries look for things that they can
 * do without (time zones, certificates, /proc). The compiler may read its chroot. */
static int
file_rules(scmp_filter_ctx f, enum role r)
{
	int e = 0;

	if (r == ROLE_COMPILER) {
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				      argument(2, SCMP_CMP_MASKED_EQ, 3 /* O_ACCMODE */));
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(getdents64), 0);
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 0);
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(pread64), 0);
	} else {
		e |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
		e |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 0);
	}
	e |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(access), 0);
	e |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sched_setaffinity), 0);
	e |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sysinfo), 0);
	return e;
}

static int
role_rules(scmp_filter_ctx f, enum role r)
{
	int e = 0;

	e |= ALLOW_LIST(f, base_calls);
	if (r == ROLE_OUTBOUND)
		e |= socket_rules(f);
	if (r == ROLE_NET || r == ROLE_CONSOLE || r == ROLE_OUTBOUND)
		e |= ALLOW_LIST(f, loop_calls);
	else
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 0);
	e |= allow_fcntl(f, CMD_GET_SEALS);
	e |= allow_fcntl(f, CMD_ADD_SEALS);
	e |= allow_fcntl(f, 1030 /* F_DUPFD_CLOEXEC */);
	e |= allow_fcntl(f, 2 /* F_SETFD */);
	e |= allow_fcntl(f, 3 /* F_GETFL */);
	e |= allow_fcntl(f, 4 /* F_SETFL */);
	e |= allow_ioctl(f, REQ_FIONBIO);
	e |= allow_ioctl(f, REQ_FIONREAD);
	e |= allow_ioctl(f, REQ_FIOCLEX);
	e |= file_rules(f, r);
#ifdef ASSAY_ASAN
	e |= ALLOW_LIST(f, asan_calls);
#else
	e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			      argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC));
	/* malloc grows its arenas with it */
	e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			      argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC));
#endif
	return e;
}

/* The only thing refused before a role is set up; see the header. */
static enum assay_err
refuse_io_uring(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int e;

	if (!f)
		return ASSAY_NO_MEMORY;
	e = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	if (e == 0)
		e = seccomp_load(f);
	seccomp_release(f);
	return e == 0 ? ASSAY_OK : ASSAY_IO;
}

enum assay_err
sandbox_prepare(void)
{
	if (close_range(IPC_CHILD_FD + 1, ~0U, 0) != 0)
		return ASSAY_IO;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ASSAY_IO;
	return refuse_io_uring();
}

/* fdinfo of a process that has no privileges: nothing can be made or found there. */
static enum assay_err
leave_file_system(void)
{
	if (chroot("/var/empty") != 0 && chroot("/proc/self/fdinfo") != 0)
		return ASSAY_IO;
	return chdir("/") == 0 ? ASSAY_OK : ASSAY_IO;
}

static enum assay_err
drop_ids(enum role r, struct sandbox_ids ids)
{
	enum assay_err e;

	if (geteuid() != 0)
		return ASSAY_OK;
	if (r != ROLE_COMPILER && (e = leave_file_system()) != ASSAY_OK)
		return e;
	if (ids.uid == 0)
		return ASSAY_OK;
	if (setgroups(0, NULL) != 0 || setresgid(ids.gid, ids.gid, ids.gid) != 0 ||
	    setresuid(ids.uid, ids.uid, ids.uid) != 0)
		return ASSAY_IO;
	/* A change of ids clears the death signal. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return ASSAY_IO;
	return setuid(0) == 0 ? ASSAY_DENIED : ASSAY_OK;
}

enum assay_err
sandbox_enter(enum role r, struct sandbox_ids ids)
{
	struct rlimit none = {0, 0};
	scmp_filter_ctx f;
	enum assay_err e;
	int bad;

	if ((e = drop_ids(r, ids)) != ASSAY_OK)
		return e;
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return ASSAY_IO;
#ifndef ASSAY_ASAN
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ASSAY_IO;
#endif
	f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!f)
		return ASSAY_NO_MEMORY;
	bad = role_rules(f, r);
	if (bad == 0)
		bad = seccomp_load(f);
	seccomp_release(f);
	return bad == 0 ? ASSAY_OK : ASSAY_IO;
}
