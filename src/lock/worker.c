/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"

#define THREADS_MAX 8
#define STACK (256 << 10)

struct worker {
	pthread_mutex_t mutex; /* of the lists and of `over` */
	pthread_cond_t wake;
	struct wl_list waiting, done; /* job.link */
	struct job *running[THREADS_MAX];
	bool over;
	int event_fd;
	struct wl_event_source *source;
	pthread_t threads[THREADS_MAX];
	unsigned int n_threads, n_started;
};

static struct job *take(struct worker *worker, struct wl_list *list)
{
	struct job *job;

	(void)worker;
	if (wl_list_empty(list))
		return NULL;
	job = wl_container_of(list->next, job, link);
	wl_list_remove(&job->link);
	return job;
}

static void finish(struct worker *worker, struct job *job)
{
	wl_list_insert(worker->done.prev, &job->link);
	(void)!eventfd_write(worker->event_fd, 1);
}

static void *thread_main(void *data)
{
	struct worker *worker = data;
	unsigned int self;

	pthread_mutex_lock(&worker->mutex);
	self = worker->n_started++;
	while (!worker->over) {
		struct job *job = take(worker, &worker->waiting);

		if (!job) {
			pthread_cond_wait(&worker->wake, &worker->mutex);
			continue;
		}
		worker->running[self] = job;
		pthread_mutex_unlock(&worker->mutex);
		job->run(job);
		pthread_mutex_lock(&worker->mutex);
		worker->running[self] = NULL;
		finish(worker, job);
	}
	pthread_mutex_unlock(&worker->mutex);
	return NULL;
}

static int handle_done(int fd, uint32_t mask, void *data)
{
	struct worker *worker = data;
	eventfd_t count;

	(void)mask;
	if (eventfd_read(fd, &count) < 0)
		return 0;
	for (;;) {
		struct job *job;

		pthread_mutex_lock(&worker->mutex);
		job = take(worker, &worker->done);
		pthread_mutex_unlock(&worker->mutex);
		if (!job)
			return 0;
		job->done(job);
	}
}

static int start_threads(struct worker *worker, unsigned int threads)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r == 0)
		r = pthread_attr_setstacksize(&attr, STACK);
	for (; r == 0 && worker->n_threads < threads; worker->n_threads++) {
		r = pthread_create(&worker->threads[worker->n_threads], &attr, thread_main, worker);
		if (r != 0)
			break;
	}
	(void)pthread_attr_destroy(&attr);
	return -r;
}

int worker_create(struct wl_event_loop *loop, unsigned int threads, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return -ENOMEM;
	wl_list_init(&worker->waiting);
	wl_list_init(&worker->done);
	(void)pthread_mutex_init(&worker->mutex, NULL);
	(void)pthread_cond_init(&worker->wake, NULL);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->event_fd >= 0)
		worker->source = wl_event_loop_add_fd(loop, worker->event_fd, WL_EVENT_READABLE,
						      handle_done, worker);
	r = worker->source ? start_threads(worker, threads < THREADS_MAX ? threads : THREADS_MAX)
			   : -ENOMEM;
	if (r < 0) {
		worker_destroy(worker);
		return r;
	}
	*ret_worker = worker;
	return 0;
}

void worker_destroy(struct worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->mutex);
	worker->over = true;
	for (unsigned int i = 0; i < worker->n_threads; i++) {
		if (worker->running[i])
			atomic_store(&worker->running[i]->cancelled, true);
	}
	pthread_cond_broadcast(&worker->wake);
	pthread_mutex_unlock(&worker->mutex);
	for (unsigned int i = 0; i < worker->n_threads; i++)
		pthread_join(worker->threads[i], NULL);
	if (worker->source)
		wl_event_source_remove(worker->source);
	fd_close(worker->event_fd);
	free(worker);
}

void worker_add(struct worker *worker, struct job *job)
{
	atomic_init(&job->cancelled, false);
	pthread_mutex_lock(&worker->mutex);
	wl_list_insert(worker->waiting.prev, &job->link);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->mutex);
}
