/* privilege.c: see privilege.h. */
#include "privilege.h"

#include "report.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
complain(const struct options *o, const char *what)
{
	return report_fatal(AGENT_NO_ACCESS, "--user %s: %s: %s", o->user, what, strerror(errno));
}

/* Exactly this mask (of the first 32) is permitted and effective; nothing is inherited. */
static int
set_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{.effective = mask, .permitted = mask}};

	return (int)syscall(SYS_capset, &h, d);
}

static bool
make_state(const struct options *o, const struct passwd *p)
{
	if (mkdir(o->state, 0700) != 0)
		return errno == EEXIST;
	return chown(o->state, p->pw_uid, p->pw_gid) == 0;
}

int
privilege_drop(const struct options *o)
{
	bool reads = !o->no_boot_log || !o->no_ima_list;
	uint32_t kept = reads ? 1u << CAP_DAC_READ_SEARCH : 0;
	const struct passwd *p;

	if (!o->user[0])
		return AGENT_YES;
	p = getpwnam(o->user);
	if (!p)
		return report_fatal(AGENT_BAD_INPUT, "--user %s: there is no such user", o->user);
	if (geteuid() == p->pw_uid)
		return AGENT_YES;
	if (!make_state(o, p))
		return complain(o, o->state);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(o->user, p->pw_gid) != 0 ||
	    setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0)
		return complain(o, "cannot become it");
	if (set_capabilities(kept) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return complain(o, "cannot give up privileges");
	if (p->pw_uid != 0 && setuid(0) == 0)
		return report_fatal(AGENT_FAULT, "--user %s: it is still root", o->user);
	return AGENT_YES;
}
