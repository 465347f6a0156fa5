/* Linked into the Linux addon only, with -Wl,--wrap=<each function below>.

   glibc 2.34 moved the pthread functions into libc.so.6 under a new version. A build made there binds to the old versions here, so that the
   addon loads on every glibc that can run Node (2.28 and later). */
#include <pthread.h>

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
#ifdef __x86_64__
#define OLD_VERSION "GLIBC_2.2.5"
#else
#define OLD_VERSION "GLIBC_2.17"
#endif
#define BIND_OLD(name) __asm__(".symver __real_" #name "," #name "@" OLD_VERSION)
BIND_OLD(pthread_create);
BIND_OLD(pthread_join);
BIND_OLD(pthread_once);
BIND_OLD(pthread_mutex_trylock);
BIND_OLD(__pthread_key_create);
char __libc_single_threaded = 0; /* libstdc++'s shared_ptr reads it: 0 means that atomics are needed */
#endif

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __real_pthread_join(pthread_t, void **);
int __real_pthread_once(pthread_once_t *, void (*)(void));
int __real_pthread_mutex_trylock(pthread_mutex_t *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument) {
  return __real_pthread_create(thread, attributes, function, argument);
}
int __wrap_pthread_join(pthread_t thread, void **result) { return __real_pthread_join(thread, result); }
int __wrap_pthread_once(pthread_once_t *once, void (*function)(void)) { return __real_pthread_once(once, function); }
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex) { return __real_pthread_mutex_trylock(mutex); }

#ifdef __GLIBC__ /* musl has no such name, and nothing there asks for it */
int __real___pthread_key_create(pthread_key_t *, void (*)(void *));
int __wrap___pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) { return __real___pthread_key_create(key, destructor); }
#endif
