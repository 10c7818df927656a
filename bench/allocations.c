/* Counts what Python asks its allocator for; what it takes from its free lists (tuples, lists, floats, frames) is not seen. */

#include <Python.h>

static PyMemAllocatorEx objects, memory;
static long count;

static void *counted_malloc(void *below, size_t size)
{
    PyMemAllocatorEx *allocator = below;
    count++;
    return allocator->malloc(allocator->ctx, size);
}

static void *counted_calloc(void *below, size_t number, size_t size)
{
    PyMemAllocatorEx *allocator = below;
    count++;
    return allocator->calloc(allocator->ctx, number, size);
}

static void *counted_realloc(void *below, void *block, size_t size)
{
    PyMemAllocatorEx *allocator = below;
    count++;
    return allocator->realloc(allocator->ctx, block, size);
}

static void passed_free(void *below, void *block)
{
    PyMemAllocatorEx *allocator = below;
    allocator->free(allocator->ctx, block);
}

static void count_in(PyMemAllocatorDomain domain, PyMemAllocatorEx *below)
{
    PyMemAllocatorEx counted = {below, counted_malloc, counted_calloc, counted_realloc, passed_free};
    PyMem_GetAllocator(domain, below);
    PyMem_SetAllocator(domain, &counted);
}

void begin(void)
{
    count_in(PYMEM_DOMAIN_OBJ, &objects);
    count_in(PYMEM_DOMAIN_MEM, &memory);
    count = 0;
}

long end(void)
{
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &objects);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &memory);
    return count;
}
