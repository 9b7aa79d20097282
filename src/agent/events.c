/* SPDX-License-Identifier: MIT */
/*
 * The ring, the counts and the file; see events.h. The file is opened for each line: it may be
 * moved away by who rotates logs. Nothing but a regular file of our own is written to, by one
 * write(2) that appends, so that processes may share one.
 */
#include "agent/events.h"

#include "base/file.h"
#include "base/text.h"
#include "rpc/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void events_init(struct events *events, const char *path)
{
	memset(events, 0, sizeof(*events));
	events->next = 1;
	events_adopt(events);
	if (path && *path)
		events->path = strdup(path);
}

void events_fini(struct events *events)
{
	free(events->path);
	pthread_mutex_destroy(&events->lock);
	pthread_mutex_destroy(&events->file_lock);
}

void events_adopt(struct events *events)
{
	pthread_mutex_init(&events->file_lock, NULL);
	pthread_mutex_init(&events->lock, NULL);
	/* What is owed is the parent's to write. */
	events->written = events->next;
}

/* Arguments are separated by NUL in /proc. What is no text becomes '?'. */
static void read_words(pid_t pid, const char *file, char *text, size_t size)
{
	char path[48];
	ssize_t got;
	int fd;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd < 0)
		return;
	got = read(fd, text, size - 1);
	close(fd);
	if (got < 0)
		got = 0;
	while (got > 0 && (text[got - 1] == '\0' || text[got - 1] == '\n'))
		got--;
	text[got] = '\0';
	/* Both the kernel's names and our buffer cut them anywhere. */
	text_mend(text);
	for (ssize_t i = 0; i < got; i++)
		if (text[i] == '\0')
			text[i] = ' ';
		else if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
}

void event_actor_take(const struct peer *peer, struct event_actor *who)
{
	*who = (struct event_actor){.known = true, .uid = peer->uid, .pid = peer->pid};
	read_words(peer->pid, "cmdline", who->command, sizeof(who->command));
}

void event_actor_take_name(const struct peer *peer, struct event_actor *who)
{
	*who = (struct event_actor){.known = true, .uid = peer->uid, .pid = peer->pid};
	read_words(peer->pid, "comm", who->command, sizeof(who->command));
}

static struct json_object *actor_json(const struct event_actor *who)
{
	struct json_object *answer;

	if (!who->known)
		return NULL;
	answer = json_object_new_object();
	rpc_json_add(answer, "uid", json_object_new_int64((int64_t)who->uid));
	rpc_json_add(answer, "pid", json_object_new_int(who->pid));
	rpc_json_add(answer, "command", rpc_json_string(who->command));
	return answer;
}

static struct json_object *event_json(const struct event *event)
{
	struct json_object *answer = json_object_new_object();

	rpc_json_add(answer, "seq", json_object_new_uint64(event->seq));
	rpc_json_add(answer, "at", rpc_json_moment(&event->at));
	rpc_json_add(answer, "pid", json_object_new_int(getpid()));
	rpc_json_add(answer, "event", rpc_json_string(event->what));
	rpc_json_add(answer, "result", rpc_json_string(event->result));
	rpc_json_add(answer, "name", rpc_json_string(event->name));
	rpc_json_add(answer, "hash", rpc_json_string(event->hash));
	rpc_json_add(answer, "pause_us", json_object_new_uint64(event->pause_us));
	/* null: by itself. */
	json_object_object_add(answer, "who", actor_json(&event->who));
	rpc_json_add(answer, "text", rpc_json_string(event->text));
	return answer;
}

/* A link, a device, a pipe, somebody else's: not written to. */
static int open_file(const char *path)
{
	int fd =
		open(path,
		     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
		     0640);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & S_IWOTH) || st.st_nlink != 1) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool write_line(const char *path, const struct event *event)
{
	struct json_object *json = event_json(event);
	const char *line = json ? rpc_json_line(json) : NULL;
	cleanup_memory char *whole = NULL;
	int length = line ? asprintf(&whole, "%s\n", line) : -1;
	bool ok = false;
	int fd;

	json_object_put(json);
	if (length < 0) {
		whole = NULL;
		return false;
	}
	fd = open_file(path);
	if (fd >= 0) {
		ok = write(fd, whole, (size_t)length) == length;
		close(fd);
	}
	return ok;
}

static void count(struct events *events, const struct event *event)
{
	struct event_tally *tally = events->tallies;

	for (size_t i = 0; i < events->tally_count; i++, tally++)
		if (strcmp(tally->what, event->what) == 0 &&
		    strcmp(tally->result, event->result) == 0) {
			tally->count++;
			return;
		}
	/* The last is for all that find no place. */
	if (events->tally_count == EVENT_TALLIES) {
		events->tallies[EVENT_TALLIES - 1].count++;
		return;
	}
	events->tally_count++;
	tally->count = 1;
	snprintf(tally->what, sizeof(tally->what), "%s",
		 events->tally_count == EVENT_TALLIES ? "other" : event->what);
	snprintf(tally->result, sizeof(tally->result), "%s",
		 events->tally_count == EVENT_TALLIES ? "other" : event->result);
}

static void fill(struct event *event, const struct event_note *note)
{
	const char *name = note->name ? note->name : "";
	const char *text = note->text ? note->text : note->err ? note->err->message : "";

	snprintf(event->what, sizeof(event->what), "%s", note->what);
	snprintf(event->result, sizeof(event->result), "%s",
		 note->err	   ? suture_code_name(note->err->code)
		 : note->unchanged ? "unchanged"
				   : "done");
	if (note->who)
		event->who = *note->who;
	snprintf(event->name, sizeof(event->name), "%.*s", text_fit(name, sizeof(event->name) - 1),
		 name);
	snprintf(event->hash, sizeof(event->hash), "%s", note->hash ? note->hash : "");
	snprintf(event->text, sizeof(event->text), "%.*s", text_fit(text, EVENT_TEXT_SIZE - 1),
		 text);
	event->pause_us = note->pause_us;
}

void events_keep(struct events *events, const struct event_note *note)
{
	struct event event = {.seq = 0};

	clock_gettime(CLOCK_REALTIME, &event.at);
	fill(&event, note);
	pthread_mutex_lock(&events->lock);
	event.seq = events->next++;
	events->ring[event.seq % EVENT_RING] = event;
	count(events, &event);
	pthread_mutex_unlock(&events->lock);
}

static uint64_t oldest_kept(const struct events *events)
{
	return events->next > EVENT_RING ? events->next - EVENT_RING : 1;
}

bool events_are_owed(struct events *events)
{
	bool owed;

	pthread_mutex_lock(&events->lock);
	owed = events->path && events->written < events->next;
	pthread_mutex_unlock(&events->lock);
	return owed;
}

/* The next that is owed to the file; those that the ring has lost by now count as unwritten. */
static bool take_owed(struct events *events, struct event *event)
{
	uint64_t oldest;
	bool owed;

	pthread_mutex_lock(&events->lock);
	oldest = oldest_kept(events);
	if (events->written < oldest) {
		events->unwritten += oldest - events->written;
		events->written = oldest;
	}
	owed = events->written < events->next;
	if (owed)
		*event = events->ring[events->written++ % EVENT_RING];
	pthread_mutex_unlock(&events->lock);
	return owed;
}

void events_write(struct events *events)
{
	struct event event;

	if (!events->path)
		return;
	/* A disk that hangs must not keep those who only look. */
	pthread_mutex_lock(&events->file_lock);
	while (take_owed(events, &event)) {
		if (write_line(events->path, &event))
			continue;
		pthread_mutex_lock(&events->lock);
		events->unwritten++;
		pthread_mutex_unlock(&events->lock);
	}
	pthread_mutex_unlock(&events->file_lock);
}

void events_add(struct events *events, const struct event_note *note)
{
	events_keep(events, note);
	events_write(events);
}

struct json_object *events_answer(struct events *events, uint64_t since, uint64_t limit)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *list = json_object_new_array();
	uint64_t first, oldest;

	pthread_mutex_lock(&events->lock);
	oldest = oldest_kept(events);
	if (since == 0)
		since = 1;
	first = since < oldest ? oldest : since;
	if (events->next > limit && first < events->next - limit)
		first = since = events->next - limit;
	for (uint64_t seq = first; seq < events->next; seq++)
		rpc_json_append(list, event_json(&events->ring[seq % EVENT_RING]));
	rpc_json_add(answer, "pid", json_object_new_int(getpid()));
	rpc_json_add(answer, "next", json_object_new_uint64(events->next));
	rpc_json_add(answer, "lost", json_object_new_uint64(first > since ? first - since : 0));
	rpc_json_add(answer, "unwritten", json_object_new_uint64(events->unwritten));
	pthread_mutex_unlock(&events->lock);
	rpc_json_add(answer, "events", list);
	return answer;
}

struct json_object *events_tallies(struct events *events)
{
	struct json_object *list = json_object_new_array();

	pthread_mutex_lock(&events->lock);
	for (size_t i = 0; i < events->tally_count; i++) {
		struct json_object *one = json_object_new_object();

		rpc_json_add(one, "action", rpc_json_string(events->tallies[i].what));
		rpc_json_add(one, "result", rpc_json_string(events->tallies[i].result));
		rpc_json_add(one, "count", json_object_new_uint64(events->tallies[i].count));
		rpc_json_append(list, one);
	}
	pthread_mutex_unlock(&events->lock);
	return list;
}

uint64_t events_unwritten(struct events *events)
{
	uint64_t count_of;

	pthread_mutex_lock(&events->lock);
	count_of = events->unwritten;
	pthread_mutex_unlock(&events->lock);
	return count_of;
}
