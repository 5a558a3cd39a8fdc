// A lot as it is now: counts, zones, and every bay. What changes comes by `apply`; when nothing
// has come for as long as the last message holds, all that it said is unknown again.
import { Bays } from "/static/bays.js";

const STATES = ["free", "occupied", "unknown", "closed"];
const numbers = new Intl.NumberFormat("en");

export default {
  props: { laid: String, now: String },
  template: `
    <div class="lot" :class="{ blank }">
      <p class="banner" role="alert" v-if="blank">
        <span class="shape" data-state="unknown" aria-hidden="true"></span>
        <span>The lot's gateway is silent: every bay is unknown.
          {{ lastHeard }}</span>
      </p>
      <section class="side" aria-label="Counts">
        <div class="card counts">
          <p class="as-of quiet small"><span class="dot" aria-hidden="true"></span>
            <span v-if="blank">not heard</span>
            <span v-else>as of <time class="number">{{ asOf }}</time></span></p>
          <p class="most"><strong class="number">{{ blank ? "–" : format(whole.free) }}</strong>
            <span>free<br><span class="quiet">of {{ format(whole.total) }}</span></span></p>
          <div class="share" aria-hidden="true">
            <i v-for="s in states" :key="s" v-show="whole[s]" :data-state="s" :style="{ flexGrow: whole[s] }"></i></div>
          <ul class="key">
            <li v-for="s in states" :key="s"><span class="shape" :data-state="s" aria-hidden="true"></span>
              <span>{{ s }}</span><strong class="number">{{ format(whole[s]) }}</strong></li>
          </ul>
          <p class="hidden-but-read" aria-live="polite">{{ spoken }}</p>
        </div>
        <ul class="zones">
          <li v-for="z in zones" :key="z.id"><component :is="z.counted ? 'div' : 'button'" class="card zone"
              :type="z.counted ? null : 'button'" @click="seek(z.id)" :aria-label="z.counted ? null : z.words">
            <span class="zone-name">{{ z.name }}</span>
            <span class="zone-free"><strong class="number">{{ blank ? "–" : format(z.free) }}</strong>
              <span class="quiet small">of {{ format(z.total) }}<span v-if="z.counted">, counted</span></span></span>
            <span class="share" aria-hidden="true">
              <i v-for="s in states" :key="s" v-show="z[s]" :data-state="s" :style="{ flexGrow: z[s] }"></i></span>
          </component></li>
        </ul>
      </section>
      <section class="card map" aria-label="Map of the bays">
        <div class="tools">
          <div role="tablist" aria-label="Floors" class="floors" v-if="plan.floors.length > 1" @keydown="turn">
            <button v-for="f in plan.floors" :key="f.floor" role="tab" type="button" :id="'floor-' + f.floor"
              :aria-selected="f.floor === floor" :tabindex="f.floor === floor ? 0 : -1" aria-controls="ground"
              @click="floor = f.floor">{{ nameOf(f.floor) }}</button>
          </div>
          <p class="quiet small hint">Arrow keys go from bay to bay, Enter opens one.</p>
          <div class="zoom" v-if="drawn">
            <button type="button" class="round" aria-label="Smaller" @click="bays.zoom(0.8)">−</button>
            <button type="button" class="round" aria-label="Larger" @click="bays.zoom(1.25)">+</button>
          </div>
        </div>
        <div class="ground" id="ground" ref="ground" :role="plan.floors.length > 1 ? 'tabpanel' : 'group'"
          :aria-label="plan.floors.length > 1 ? nameOf(floor) : 'Bays'"></div>
      </section>
    </div>`,
  data() {
    const plan = Object.freeze(JSON.parse(this.laid)); // as text: it is large, and stays as it is
    return { plan, states: STATES, floor: plan.floors[0]?.floor ?? 0, counts: {}, zoneCounts: {}, blank: false,
      asOf: "", heardAt: "", spoken: "", drawn: false };
  },
  computed: {
    lastHeard() {
      return this.heardAt ? `It was heard last at ${this.heardAt}.` : "It has not been heard since this page was opened.";
    },
    whole() { return this.named(this.counts.lot); },
    zones() {
      return this.plan.zones.map((zone) => {
        const counts = this.named(this.zoneCounts[zone.id]);
        const free = this.blank ? "unknown" : `${counts.free} free`;
        return { ...zone, ...counts, words: `${zone.name}: ${free} of ${counts.total}` };
      });
    },
  },
  created() {
    // Not Vue's: a thousand bays are drawn by hand.
    this.bays = null;
    this.spots = {};
    this.clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: this.plan.time_zone });
    this.apply(JSON.parse(this.now));
  },
  mounted() {
    this.bays = new Bays(this.$refs.ground, this.plan, this.clock, (id) => this.$emit("pick", id));
    this.drawFloor();
    this.resized = new ResizeObserver(() => this.bays.fit());
    this.resized.observe(this.$refs.ground);
  },
  unmounted() {
    clearTimeout(this.running);
    this.resized?.disconnect();
  },
  watch: { floor() { this.drawFloor(); } },
  methods: {
    apply(told) {
      Object.assign(this.spots, told.spots);
      this.zoneCounts = { ...this.zoneCounts, ...told.zones };
      if (told.lot) this.counts = { lot: told.lot };
      if ("left_s" in told) this.hold(told);
      if (!this.bays) return;
      for (const id in told.spots) this.bays.show(id, told.spots[id]);
    },
    hold(told) {
      const heard = told.heard !== false && told.left_s > 0;
      if (heard) this.asOf = this.heardAt = this.clock.format(told.as_of);
      this.setBlank(!heard);
      clearTimeout(this.running);
      if (heard) this.running = setTimeout(() => this.setBlank(true), told.left_s * 1000);
      if (heard) this.speak();
    },
    setBlank(blank) {
      this.blank = blank;
      this.bays?.setBlank(blank);
    },
    speak() {
      const words = `${this.whole.free} of ${this.whole.total} bays are free`;
      if (words === this.spoken || this.quietUntil > performance.now()) return;
      this.spoken = words;
      this.quietUntil = performance.now() + 10000;  // a busy lot must not talk without end
    },
    named(counts) {
      const [total, free, occupied, unknown, closed] = counts ?? [0, 0, 0, 0, 0];
      if (this.blank) return { total, free: 0, occupied: 0, unknown: total - closed, closed };
      return { total, free, occupied, unknown, closed };
    },
    drawFloor() {
      const floor = this.plan.floors.find((each) => each.floor === this.floor);
      this.drawn = this.bays.draw(floor?.bays ?? [], this.spots, this.blank);
    },
    seek(zone) {
      const floor = this.plan.floors.find((each) => each.bays.some((bay) => bay[1] === zone));
      if (!floor) return;
      this.floor = floor.floor;
      this.$nextTick(() => this.bays.seek(zone));
    },
    turn(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const floors = this.plan.floors.map((each) => each.floor);
      this.floor = floors[(floors.indexOf(this.floor) + step + floors.length) % floors.length];
      this.$nextTick(() => document.getElementById(`floor-${this.floor}`).focus());
    },
    release() { this.bays.release(); },
    nameOf(floor) { return floor === 0 ? "Ground" : `Floor ${floor}`; },
    format(number) { return numbers.format(number); },
  },
};
