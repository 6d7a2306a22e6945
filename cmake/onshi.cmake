# Build rules shared by every folder: warnings, sanitizers, and onshi_module(), which gives each folder a library whose
# only visible headers are its own and those of its declared dependencies (a wrong include does not compile).
include(GoogleTest)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(rapidcheck REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
# Asio's recycled coroutine frames make GCC and clang report a false mismatch between its operator new and delete.
add_compile_options(-Wno-mismatched-new-delete)
if(ONSHI_SANITIZE)
  # Without the macro Asio recycles frames and a read of a finished frame goes unseen (pitfalls §1.4).
  add_compile_options(-fsanitize=${ONSHI_SANITIZE} -fno-omit-frame-pointer)
  add_compile_definitions(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
  add_link_options(-fsanitize=${ONSHI_SANITIZE})
  if(ONSHI_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
if(ONSHI_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
set(THREADS_PREFER_PTHREAD_FLAG ON)

# onshi_library(name PATH folder SOURCES … DEPS …): a static library that shows its folder as `#include "<PATH>/…"`.
function(onshi_library name)
  cmake_parse_arguments(ARG "" "PATH" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/inc/${name})
  get_filename_component(parent ${root}/${ARG_PATH} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  if(NOT EXISTS ${root}/${ARG_PATH})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${ARG_PATH} ${root}/${ARG_PATH} SYMBOLIC)
  endif()
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${root})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${root})
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# onshi_tests(name SOURCES … DEPS …): one test executable; every TEST in it is its own ctest entry. STORE_TESTS is a
# filter of those that use the stores: they run on PostgreSQL too, or there only (ONLY_POSTGRES).
function(onshi_tests name)
  cmake_parse_arguments(ARG "ONLY_POSTGRES" "LABEL;STORE_TESTS" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL fast)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main GTest::gtest rapidcheck)
  target_compile_definitions(${name} PRIVATE ONSHI_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(NOT ARG_ONLY_POSTGRES)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${name}."
      PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 60)
  endif()
  if(ARG_STORE_TESTS)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "postgres.${name}."
      TEST_FILTER "${ARG_STORE_TESTS}" TEST_LIST ${name}_on_postgres
      PROPERTIES LABELS postgres TIMEOUT 60 FIXTURES_REQUIRED postgres
      ENVIRONMENT ONSHI_TEST_POSTGRES=${CMAKE_BINARY_DIR}/postgres)
  endif()
endfunction()

# onshi_module(name PATH folder DEPS … [PRIVATE_DEPS …] [TEST_DEPS …]): library from *.cpp, tests from *_test.cpp.
function(onshi_module name)
  cmake_parse_arguments(ARG "" "PATH;STORE_TESTS" "DEPS;PRIVATE_DEPS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${ARG_PATH}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  onshi_library(${name} PATH ${ARG_PATH} SOURCES ${sources} DEPS ${ARG_DEPS} PRIVATE_DEPS ${ARG_PRIVATE_DEPS})
  if(NOT ONSHI_FUZZ)
    onshi_tests(${name}_test SOURCES ${tests} DEPS ${name} ${ARG_TEST_DEPS} STORE_TESTS ${ARG_STORE_TESTS})
  endif()
endfunction()

# onshi_migrations(slice out): turns `migrations/<store>_NNNN_<what>.sql` of a slice into `<slice>::migrations()`.
function(onshi_migrations slice out)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/domain/${slice}/migrations/*.sql)
  if(NOT files)
    set(${out} "" PARENT_SCOPE)
    return()
  endif()
  set(rows "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME)
    if(NOT name MATCHES "^(registry|ledger)_([0-9][0-9][0-9][0-9])_[a-z_]+\\.sql$")
      message(FATAL_ERROR "${file}: a migration is named <store>_NNNN_<what>.sql")
    endif()
    set(store ${CMAKE_MATCH_1})
    math(EXPR number "1${CMAKE_MATCH_2} - 10000")
    file(READ ${file} sql)
    string(APPEND rows "    sql::Migration{\"${slice}\", sql::Store::${store}, ${number}, \"${name}\", R\"sql(${sql})sql\"},\n")
  endforeach()
  set(path ${CMAKE_BINARY_DIR}/gen/${slice}_migrations.cpp)
  file(CONFIGURE OUTPUT ${path} @ONLY CONTENT "// Generated from src/domain/${slice}/migrations by the build.
#include <array>

#include \"domain/${slice}/store.h\"

namespace onshi::${slice} {

namespace {
constexpr std::array migration_list{
${rows}};
}  // namespace

std::span<const sql::Migration> migrations() { return migration_list; }

}  // namespace onshi::${slice}
")
  set(${out} ${path} PARENT_SCOPE)
endfunction()

# onshi_slice(name SLICES <slices to its left>): two libraries per slice, `<name>_rules` (model and rules: base only) and
# `<name>` (store and service: the database too). `terminal` may link rules, never a store.
function(onshi_slice name)
  cmake_parse_arguments(ARG "" "STORE_TESTS" "SLICES;PRIVATE_DEPS;TEST_DEPS" ${ARGN})
  set(path domain/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${path}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  set(rules ${sources})
  list(FILTER rules INCLUDE REGEX "/(model|rules)[^/]*\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/(model|rules)[^/]*\\.cpp$")
  set(rules_tests ${tests})
  list(FILTER rules_tests INCLUDE REGEX "/(model|rules)[^/]*_test\\.cpp$")
  list(FILTER tests EXCLUDE REGEX "/(model|rules)[^/]*_test\\.cpp$")
  set(rules_deps base)
  set(store_deps ${name}_rules platform_sql platform_pki)
  foreach(slice ${ARG_SLICES})
    list(APPEND rules_deps ${slice}_rules)
    list(APPEND store_deps ${slice})
  endforeach()
  onshi_library(${name}_rules PATH ${path} SOURCES ${rules} DEPS ${rules_deps})
  if(NOT ONSHI_FUZZ)
    onshi_tests(${name}_rules_test SOURCES ${rules_tests} DEPS ${name}_rules)
  endif()
  if(ONSHI_RULES_ONLY)
    return()
  endif()
  onshi_migrations(${name} generated)
  onshi_library(${name} PATH ${path} SOURCES ${sources} ${generated} DEPS ${store_deps} PRIVATE_DEPS ${ARG_PRIVATE_DEPS})
  if(NOT ONSHI_FUZZ)
    onshi_tests(${name}_test SOURCES ${tests} DEPS ${name} ${ARG_TEST_DEPS} STORE_TESTS ${ARG_STORE_TESTS})
  endif()
endfunction()

# onshi_embed_text(function namespace file): `std::string_view onshi::<namespace>::<function>()` gives the file's text.
function(onshi_embed_text function namespace file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/${function}.cpp @ONLY CONTENT "// Generated by the build from a file of contracts/.
#include <string_view>

// Longer than what every compiler must take; ours take it.
#pragma GCC diagnostic ignored \"-Woverlength-strings\"

namespace onshi::${namespace} {

std::string_view ${function}();
std::string_view ${function}() {
    return R\"onshi-text(${text})onshi-text\";
}

}  // namespace onshi::${namespace}
")
endfunction()
