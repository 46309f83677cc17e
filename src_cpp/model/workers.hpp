// Workspaces of the calls that are not running, and the threads of one call.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hpe/error.hpp"

namespace hpe::model {

// std::jthread, which some standard libraries still lack.
struct JoinedThread : std::thread {
    using std::thread::thread;
    JoinedThread(JoinedThread&&) noexcept = default;
    JoinedThread& operator=(JoinedThread&&) = delete;
    ~JoinedThread() {
        if (joinable()) join();
    }
};

// Keeps as many workspaces as ever ran at once.
template <class Workspace>
class Workers {
  public:
    explicit Workers(int threads) : threads_(static_cast<std::size_t>(threads)) {
        constexpr int kMostThreads = 256;
        if (threads < 1 || threads > kMostThreads) {
            throw Error(ErrorKind::InvalidArgument, "threads: expected 1 to " + std::to_string(kMostThreads) + ", got " +
                                                        std::to_string(threads));
        }
    }

    // Calls work(i, workspace) for i below `count`; threads take the next one until none is left. They live for one call:
    // starting one costs a tenth of an image. An exception is thrown again here.
    template <class Make, class Work>
    void share(std::size_t count, const Make& make, const Work& work) {
        const std::size_t threads = std::min(threads_, count);
        std::vector<std::unique_ptr<Workspace>> workspaces;
        for (std::size_t t = 0; t < threads; ++t) workspaces.push_back(take(make));
        std::atomic<std::size_t> next{0};
        std::exception_ptr failure;
        const auto loop = [&](Workspace& workspace) {
            try {
                for (std::size_t i = next++; i < count; i = next++) work(i, workspace);
            } catch (...) {
                const std::lock_guard<std::mutex> lock(mutex_);
                failure = std::current_exception();
            }
        };
        {
            std::vector<JoinedThread> helpers;
            helpers.reserve(threads);
            for (std::size_t t = 1; t < threads; ++t) helpers.emplace_back([&, t] { loop(*workspaces[t]); });
            if (threads > 0) loop(*workspaces[0]);
        }
        for (std::unique_ptr<Workspace>& workspace : workspaces) give_back(std::move(workspace));
        if (failure) std::rethrow_exception(failure);
    }

  private:
    template <class Make>
    std::unique_ptr<Workspace> take(const Make& make) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!idle_.empty()) {
                std::unique_ptr<Workspace> workspace = std::move(idle_.back());
                idle_.pop_back();
                return workspace;
            }
        }
        return std::make_unique<Workspace>(make());
    }

    void give_back(std::unique_ptr<Workspace> workspace) {
        const std::lock_guard<std::mutex> lock(mutex_);
        idle_.push_back(std::move(workspace));
    }

    std::size_t threads_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace hpe::model
