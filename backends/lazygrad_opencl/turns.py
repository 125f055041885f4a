"""What launches that run several kernels in turn are made of: how workers share out what is to be
done, and wait for each other."""

from __future__ import annotations

LINE = 8  # longs in a line of the processor's caches
FINISHED, ENDED, OVER, LEFT = 0, 1, 2, 3  # where these are in the first line of a part's counters

# Parts of a launch in turn. Its work-items, workers, take what a part has to do, one after the
# other, and wait until all of it is done: whoever has taken something is running, so nobody waits
# in vain, even if a single one does everything. They are numbered as they come: the first ones have
# memory of their own, and whoever comes later leaves to them what needs that. The last one to leave
# clears the counters. Where processors have a counter that runs at one rate, whoever begins, and
# who ends a part, notes what it shows.
#
# Each processor has a home, and each home the same share of every part, which its worker takes
# first: what one part wrote to memory, the next one finds in the caches of the same core. Cores
# that have no cache in common get it from each other a third as fast (AMD's Zen 4: 45 to 50 GB/s of
# 140), and even two that do have each a cache of their own before it.
TURNS = f"""\
// The parts of a launch take turns. Of all SHARES of a part, workers TAKE the items of their home
// first, then what is left of the others', and AWAIT the end of it. A share has SIZE of so many
// items, from the FIRST on. The last worker to LEAVE clears the counters.
#define WORKERS {{workers}}
#define COUNTERS(part) (counters + {LINE} * (1 + WORKERS) * (part))
#define FINISHED(part) (COUNTERS(part) + {FINISHED})
#define TAKEN(part, share) (COUNTERS(part) + {LINE} * (1 + (share)))
#define NOTE(part) (COUNTERS(part)[{ENDED}] = TICKS)
#define BEGIN(parts) const int worker = __sync_fetch_and_add(FINISHED(parts), 1); \\
  if (worker == 0) NOTE(parts); \\
  const int home = home_of(worker, TAKEN(parts, 0))
#define SHARES for (int i = 0, share = home; i < WORKERS; i++, share = (share + 1) % WORKERS)
#define FIRST(count) ((count) * share / WORKERS)
#define SIZE(count) ((count) * (share + 1) / WORKERS - FIRST(count))
#define TAKE(part, size) take(TAKEN(part, share), 0, size)
#define AWAIT(part, done, count) \\
  if (done && __sync_fetch_and_add(FINISHED(part), done) + done == (count)) NOTE(part); \\
  while (__atomic_load_n(FINISHED(part), __ATOMIC_ACQUIRE) < (count)) PAUSE
#define LEAVE(parts, workers) \\
  if (__sync_fetch_and_add(COUNTERS(parts) + {LEFT}, 1) == (workers) - 1) clear(counters, parts)
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __builtin_ia32_pause()
#define TICKS (long)__builtin_readcyclecounter()
static int processor(void) {{{{
  unsigned number;
  __builtin_ia32_rdtscp(&number);
  return number & 0xfff;  // above it is the number of its node
}}}}
#else
#define PAUSE
#define TICKS 0
static int processor(void) {{{{ return 0; }}}}
#endif
// The home of the processor, or the next one that is free; taken: whether the first one is.
static int home_of(int worker, __global long *taken) {{{{
  if (worker >= WORKERS) return 0;
  int home = processor() % WORKERS;
  while (__sync_fetch_and_add(taken + {LINE} * home, 1)) home = (home + 1) % WORKERS;
  return home;
}}}}
// The next of those in a share, where the steps of a loop are counted on; -1: none is left.
static int take(__global long *taken, long step, int size) {{{{
  const long start = step * size;
  long now = __atomic_load_n(taken, __ATOMIC_RELAXED);
  while (now < start + size) {{{{
    const long found = __sync_val_compare_and_swap(taken, now, now + 1);
    if (found == now) return now - start;
    now = found;
  }}}}
  return -1;
}}}}
static void clear(__global long *counters, int parts) {{{{
  for (int part = 0; part <= parts; part++) {{{{
    __global long *line = COUNTERS(part);
    line[{FINISHED}] = line[{OVER}] = line[{LEFT}] = 0;
    for (int share = 0; share < WORKERS; share++) *TAKEN(part, share) = 0;
  }}}}
}}}}
"""

# Turns of a loop inside of a part. The counters go on from step to step, and nobody takes what is
# of a later one. Who has looked at what a step left behind may say that it was the last one.
COPIED = 1 << 16  # bytes that are copied in one go
REPEATED = f"""\
// The same in each step of a loop: what is there to do is counted through all steps.
#define TAKE_IN(part, step, size) take(TAKEN(part, share), step, size)
#define OVER(part) (COUNTERS(part) + {OVER})
"""

COPY = f"""\
// COPY: a part of count bytes, by its number
FUNCTION void COPY(__global uchar *to, __global const uchar *from, long number, long count) {{
  const long start = {COPIED} * number;
  const long end = start + {COPIED} < count ? start + {COPIED} : count;
  for (long i = start; i < end; i++) to[i] = from[i];
}}
"""

NONE = """\
// NONE: whether no bool is set
FUNCTION long NONE(__global const uchar *flags, long count) {
  for (long i = 0; i < count; i++) if (flags[i]) return 0;
  return 1;
}
"""

LOOPS = {"TAKE_IN": REPEATED, "COPY": COPY, "NONE": NONE}
