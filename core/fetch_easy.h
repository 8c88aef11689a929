/* fetch_easy.h - one request on a libcurl easy handle; inside sluice-fetch.so. */
#ifndef SLUICE_CORE_FETCH_EASY_H
#define SLUICE_CORE_FETCH_EASY_H

#include "fetch_api.h"

#include <curl/curl.h>

struct fetch_easy {
    CURL *curl;
    struct curl_slist *headers;
    const sl_request *request;
    struct fetch_answer answer;
    size_t headers_size;
    struct fetch_events events;
    bool too_large, stopped, began; /* began: a piece of the body has been told */
    char error[CURL_ERROR_SIZE];
    char peer[100]; /* "host:port" for messages */
};

/* 0, or SL_INVALID with a sentence in `trouble` (256 bytes). */
int easy_open(struct fetch_easy *easy, const sl_request *request, char *trouble);
/* After the transfer: the sl_status of libcurl's code, with answer.trouble set. */
int easy_result(struct fetch_easy *easy, CURLcode code);
void easy_close(struct fetch_easy *easy); /* the answer too, unless it was taken (zeroed) */

extern const struct fetch_module sluice_fetch_module;
int fetch_run_blocking(const sl_request *request, struct fetch_answer *answer);
struct fetch_engine *engine_open(uv_loop_t *loop);
void engine_close(struct fetch_engine *engine, void (*closed)(void *arg), void *arg);
struct fetch_transfer *engine_start(struct fetch_engine *engine, const sl_request *request,
                                    const struct fetch_events *events, char *trouble);
void engine_resume(struct fetch_transfer *transfer);
void engine_cancel(struct fetch_transfer *transfer);

#endif
