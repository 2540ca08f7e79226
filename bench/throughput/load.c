/* Sends prepared HTTP requests and writes down when each was answered. Compiled by load.py.

   load PORT CONNECTIONS RATE SECONDS REQUESTS FIRST RESULTS

   RATE 0: each connection sends its next request when it has its answer, for SECONDS. Else: RATE requests a second, each
   at its time on a free connection; a request that finds none free waits, and its time counts from when it was due.
   REQUESTS: each a 4-byte length and the bytes; FIRST is the number of the first to send.
   RESULTS: per answer {u32 number; u32 status; i64 due_ns; i64 answered_ns}, CLOCK_MONOTONIC; status 0: no answer.

   A connection that the server closes after its answer is opened anew; the time for that counts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, READ = 16384 };
struct connection { int fd, busy; uint32_t number; int64_t due; size_t sent, got; char answer[READ]; };
struct result { uint32_t number, status; int64_t due, answered; };

static struct connection connections[MAX_CONNECTIONS];
static struct sockaddr_in server;
static int epoll_fd, count;
static char **requests;
static uint32_t *lengths, total, next_number;
static FILE *results;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void drop(struct connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void finish(struct connection *c, uint32_t status) {
    struct result r = {c->number, status, c->due, now()};
    fwrite(&r, sizeof r, 1, results);
    c->busy = 0;
}

static void push(struct connection *c) {
    while (c->sent < lengths[c->number]) {
        ssize_t n = send(c->fd, requests[c->number] + c->sent, lengths[c->number] - c->sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN) return; /* EPOLLOUT follows */
            drop(c);
            finish(c, 0);
            return;
        }
        c->sent += (size_t)n;
    }
}

static void begin(struct connection *c, uint32_t number, int64_t due) {
    c->number = number; c->due = due; c->busy = 1; c->sent = c->got = 0;
    if (c->fd < 0) {
        int one = 1;
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connect(c->fd, (struct sockaddr *)&server, sizeof server);
        struct epoll_event e = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = c}};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
    }
    push(c);
}

/* Whether the answer is whole: 1 yes, 0 not yet. */
static int is_whole(struct connection *c) {
    c->answer[c->got] = 0;
    char *end = strstr(c->answer, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(c->answer, "\r\ncontent-length:");
    if (!length || length > end) return strstr(end, "0\r\n\r\n") != NULL; /* in chunks */
    return c->got >= (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

static void pull(struct connection *c) {
    for (;;) {
        ssize_t n = recv(c->fd, c->answer + c->got, READ - 1 - c->got, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            int was_busy = c->busy;
            drop(c);
            if (was_busy) finish(c, 0);
            return;
        }
        c->got += (size_t)n;
        if (c->busy && is_whole(c)) {
            int closes = strcasestr(c->answer, "\r\nconnection: close") != NULL;
            finish(c, (uint32_t)atoi(c->answer + 9));
            c->got = 0;
            if (closes) { drop(c); return; }
        }
    }
}

static void load_requests(const char *path, uint32_t first) {
    int fd = open(path, O_RDONLY);
    struct stat s;
    if (fd < 0 || fstat(fd, &s)) { perror(path); exit(1); }
    char *data = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    for (off_t at = 0; at < s.st_size;) {
        uint32_t length;
        memcpy(&length, data + at, 4);
        if (total % 4096 == 0) {
            requests = realloc(requests, (total + 4096) * sizeof *requests);
            lengths = realloc(lengths, (total + 4096) * sizeof *lengths);
        }
        requests[total] = data + at + 4;
        lengths[total++] = length;
        at += 4 + length;
    }
    next_number = first;
}

int main(int argc, char **argv) {
    if (argc != 8) { fputs("load PORT CONNECTIONS RATE SECONDS REQUESTS FIRST RESULTS\n", stderr); return 2; }
    count = atoi(argv[2]);
    double rate = atof(argv[3]);
    int64_t every = rate > 0 ? (int64_t)(1e9 / rate) : 0;
    load_requests(argv[5], (uint32_t)atoi(argv[6]));
    results = fopen(argv[7], "wb");
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    epoll_fd = epoll_create1(0);
    for (int i = 0; i < count; i++) connections[i].fd = -1;
    int64_t start = now(), end = start + (int64_t)(atof(argv[4]) * 1e9), due = start, give_up = end + 10000000000LL;
    for (;;) {
        int64_t t = now();
        int busy = 0;
        for (int i = 0; i < count; i++) {
            struct connection *c = &connections[i];
            if (!c->busy && next_number < total && (every ? due <= t && due < end : t < end)) {
                begin(c, next_number++, every ? due : t);
                due += every;
            }
            busy += c->busy;
        }
        if (!busy && (t >= end || next_number >= total)) break;
        if (t > give_up) {
            for (int i = 0; i < count; i++) if (connections[i].busy) finish(&connections[i], 0);
            break;
        }
        struct epoll_event events[256];
        int64_t wait = every && due < end ? due - now() : 100000000LL;
        struct timespec timeout = {0, wait < 0 || busy == count ? 1000000 : wait > 100000000LL ? 100000000L : (long)wait};
        int n = epoll_pwait2(epoll_fd, events, 256, &timeout, NULL);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd >= 0 && c->busy && events[i].events & EPOLLOUT) push(c);
            if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) pull(c);
        }
    }
    fclose(results);
    return 0;
}
