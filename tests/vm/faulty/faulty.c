// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that misbehaves on request, to prove that the guest runner sees it:
 * write the name of a fault to /sys/module/layerfs/parameters/fault.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>

static void fault_warn(void)
{
	WARN(1, "faulty: asked to warn\n");
}

static void fault_oops(void)
{
	WRITE_ONCE(*(int *)NULL, 1);
}

static void fault_pin(void)
{
	__module_get(THIS_MODULE);
}

static struct path held;

static void fault_hold(void)
{
	if (kern_path("/mnt/scratch", 0, &held))
		pr_err("faulty: nothing to hold\n");
}

static void fault_leak(void)
{
	char *lost = kmalloc(300, GFP_KERNEL);

	if (lost)
		strscpy(lost, "lost", 300);
}

static void fault_stale(void)
{
	char *gone = kmalloc(300, GFP_KERNEL);

	kfree(gone);
	OPTIMIZER_HIDE_VAR(gone);
	WRITE_ONCE(gone[3], 1);
}

static int raced;

static int racer(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		cond_resched();
	}
	return 0;
}

static void fault_race(void)
{
	struct task_struct *other = kthread_run(racer, NULL, "racer");
	unsigned long end = jiffies + 5 * HZ;

	if (IS_ERR(other))
		return;
	while (time_before(jiffies, end)) {
		raced++;
		cond_resched();
	}
	kthread_stop(other);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "warn", fault_warn },
	{ "oops", fault_oops },
	{ "pin", fault_pin },
	{ "hold", fault_hold },
	{ "leak", fault_leak },
	{ "stale", fault_stale },
	{ "race", fault_race },
};

static int fault_set(const char *val, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (sysfs_streq(val, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops fault_ops = { .set = fault_set };

module_param_cb(fault, &fault_ops, NULL, 0200);
MODULE_PARM_DESC(fault, "the fault to commit now");
MODULE_DESCRIPTION("Misbehaves on request");
MODULE_LICENSE("GPL");

static int __init faulty_init(void)
{
	return 0;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);
