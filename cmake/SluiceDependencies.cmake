# Finds what Sluice stands on. Nothing is downloaded or vendored.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.43)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)

# Boost.Context: only its assembler entry points, from the static archive.
find_library(BOOST_CONTEXT_ARCHIVE libboost_context.a)
if(NOT BOOST_CONTEXT_ARCHIVE)
  message(FATAL_ERROR "libboost_context.a not found: install libboost-context-dev")
endif()

# llhttp: a library where the system has one, else the sources that Debian ships in node-llhttp.
# Strict mode must be on in all three units, else request smuggling passes.
find_package(llhttp CONFIG QUIET)
if(TARGET llhttp::llhttp_static OR TARGET llhttp::llhttp_shared)
  add_library(sluice_llhttp INTERFACE)
  if(TARGET llhttp::llhttp_static)
    target_link_libraries(sluice_llhttp INTERFACE llhttp::llhttp_static)
  else()
    target_link_libraries(sluice_llhttp INTERFACE llhttp::llhttp_shared)
  endif()
else()
  find_path(LLHTTP_INCLUDE llhttp.h PATH_SUFFIXES llhttp PATHS /usr/share/include)
  find_path(LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
  if(NOT LLHTTP_INCLUDE OR NOT LLHTTP_SOURCE)
    message(FATAL_ERROR "llhttp not found: install libllhttp-dev, or node-llhttp on Debian 12")
  endif()
  add_library(sluice_llhttp STATIC
    ${LLHTTP_SOURCE}/llhttp.c ${LLHTTP_SOURCE}/api.c ${LLHTTP_SOURCE}/http.c)
  target_compile_definitions(sluice_llhttp PRIVATE LLHTTP_STRICT_MODE=1)
  target_compile_options(sluice_llhttp PRIVATE -w -O2)
  target_include_directories(sluice_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
endif()
