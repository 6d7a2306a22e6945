#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/telemetry/log.h"

namespace onshi::hub {

// Refuses to run with simulated parts, or admits them and says so.
enum class Profile : std::uint8_t { demo, production };

// What a hub is started with; every field is a setting of contracts/settings.toml of the same name.
struct Settings {
    Profile profile = Profile::production;
    std::string hub_id = "hub-1";  // in signed lines; the same on all hubs of one installation
    std::int64_t lane = 0;         // the audit lane of this process, 0…62 (63 is the command line's)
    std::string listen_address = "127.0.0.1";
    std::uint16_t port = 8443;          // 0: the system chooses
    std::uint16_t metrics_port = 9464;  // plain HTTP on loopback: /healthz, /readyz, /metrics; 0: the system chooses
    std::string store;                  // see sql::parse_store: a folder (SQLite) or postgresql://…
    std::string secrets_folder;         // see secrets.h for the names
    std::string key_device;             // pkcs11:…, what keys of the intake may be sealed by; empty: none
    std::string server_certificate;     // PEM file
    std::string server_key;             // PEM file, 0600
    std::string organisation_ca_certificate;  // PEM file: whom client certificates are believed from
    std::string organisation_ca_key;          // PEM file, 0600: signs terminals that enrol; empty: no enrolment here
    std::string card_roots;                   // PEM file: authentication CAs of cards
    std::vector<std::string> card_policies;   // accepted policy OIDs besides the physical card's
    std::int64_t trust_epoch = 1;             // raised when a card CA is removed
    std::string card_status_lists;  // folder of lists of revoked certificates (*.crl); empty: none is taken over
    int card_status_seconds = 60;   // how often the hub looks into it
    std::string ocsp_responder;     // http://…, asked where no fresh list speaks; empty: nobody is asked
    std::vector<std::string> face_engines;  // admitted engines of face comparison; empty: no check by face
    int loops = 1;                          // event loops, one thread each
    bool pin_cpus = false;
    std::string ordinances_file;  // municipalities, connected or not, and their subsidies; empty: none
    std::string intake_folder;    // where insurers' files wait, of this hub alone; empty: none are taken here
    std::string hold_another_person = "all";  // what a difference to the resident register holds back, by severity:
    std::string hold_one_name = "all";        // all or health_data_only
    std::string hold_address = "all";
    int correction_minutes = 15;  // how often corrections are looked for; 0: this hub does not
    std::string webhook_roots;    // PEM file: whom facilities' https addresses are believed by; empty: none is told
    int proof_hour = 3;           // of Japan's day, when it is proved that everybody has a card or a paper; -1: never
    int misses_per_hour = 60;     // look-ups by number that find nothing, per facility
    double requests_per_second = 200;    // per terminal; a burst of twice that is allowed
    int connections_per_address = 2000;  // at a time
    Level log_level = Level::info;
    std::string log_access = "failures";  // off, failures, all
};

inline constexpr std::int64_t command_line_lane = 63;

}  // namespace onshi::hub
